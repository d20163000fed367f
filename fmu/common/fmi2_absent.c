// The rest of FMI 2.0: what modelDescription.xml says this FMU cannot do. Every call is refused with a message, and
// model exchange is there in name because some importers look up every symbol before they begin.

#define CRUMPLE_FMI_PROTOTYPES
#include <fmi/fmi2.h>

#include "instance.h"

static fmi2Status cannot(fmi2Component c, const char* call) {
    instance_fail(c, call, "not supported, see modelDescription.xml.");  // an instance begins with its Instance
    return fmi2Error;
}

fmi2Status fmi2GetDirectionalDerivative(fmi2Component c, const fmi2ValueReference vUnknown_ref[], size_t nUnknown,
                                        const fmi2ValueReference vKnown_ref[], size_t count_known,
                                        const fmi2Real dvKnown[], fmi2Real dvUnknown[]) {
    (void)vUnknown_ref, (void)nUnknown, (void)vKnown_ref, (void)count_known, (void)dvKnown, (void)dvUnknown;
    return cannot(c, __func__);
}

fmi2Status fmi2SetRealInputDerivatives(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                       const fmi2Integer order[], const fmi2Real value[]) {
    (void)vr, (void)nvr, (void)order, (void)value;
    return cannot(c, __func__);
}

fmi2Status fmi2GetRealOutputDerivatives(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                        const fmi2Integer order[], fmi2Real value[]) {
    (void)vr, (void)nvr, (void)order, (void)value;
    return cannot(c, __func__);
}

fmi2Status fmi2CancelStep(fmi2Component c) { return cannot(c, __func__); }

fmi2Status fmi2GetStatus(fmi2Component c, const fmi2StatusKind s, fmi2Status* value) {
    (void)s, (void)value;
    return cannot(c, __func__);
}

fmi2Status fmi2GetIntegerStatus(fmi2Component c, const fmi2StatusKind s, fmi2Integer* value) {
    (void)s, (void)value;
    return cannot(c, __func__);
}

fmi2Status fmi2GetStringStatus(fmi2Component c, const fmi2StatusKind s, fmi2String* value) {
    (void)s, (void)value;
    return cannot(c, __func__);
}

// ---- Model exchange ------------------------------------------------------------------------------------------------

fmi2Status fmi2EnterEventMode(fmi2Component c) { return cannot(c, __func__); }

fmi2Status fmi2NewDiscreteStates(fmi2Component c, fmi2EventInfo* eventInfo) {
    (void)eventInfo;
    return cannot(c, __func__);
}

fmi2Status fmi2EnterContinuousTimeMode(fmi2Component c) { return cannot(c, __func__); }

fmi2Status fmi2CompletedIntegratorStep(fmi2Component c, fmi2Boolean noSetFMUStatePriorToCurrentPoint,
                                       fmi2Boolean* enterEventMode, fmi2Boolean* terminateSimulation) {
    (void)noSetFMUStatePriorToCurrentPoint, (void)enterEventMode, (void)terminateSimulation;
    return cannot(c, __func__);
}

fmi2Status fmi2SetTime(fmi2Component c, fmi2Real time) {
    (void)time;
    return cannot(c, __func__);
}

fmi2Status fmi2SetContinuousStates(fmi2Component c, const fmi2Real x[], size_t nx) {
    (void)x, (void)nx;
    return cannot(c, __func__);
}

#define NO_VECTOR(name)                                        \
    fmi2Status name(fmi2Component c, fmi2Real x[], size_t n) { \
        (void)x, (void)n;                                      \
        return cannot(c, __func__);                            \
    }

NO_VECTOR(fmi2GetDerivatives)
NO_VECTOR(fmi2GetEventIndicators)
NO_VECTOR(fmi2GetContinuousStates)
NO_VECTOR(fmi2GetNominalsOfContinuousStates)
