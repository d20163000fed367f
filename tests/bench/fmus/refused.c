// Every function of the interface, refusing. Weak: what the model implements takes its place when they are linked.
// Some importers resolve all symbols when they load a library, and an FMU that has them all runs in each engine.
#ifndef FMI
#define FMI 2
#endif

#define REFUSE(name)                                                                 \
    int name(void); /* called with arguments it never reads; the caller cleans up */ \
    __attribute__((weak, visibility("default"))) int name(void) { return 3; }

#if FMI == 2
#include "fmi/fmi2.h"
CRUMPLE_FMI2_FUNCTIONS(REFUSE)
#else
#include "fmi/fmi3.h"
CRUMPLE_FMI3_FUNCTIONS(REFUSE)
#endif
