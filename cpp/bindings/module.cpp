#include "bindings.hpp"

#ifndef CRUMPLE_VERSION
#define CRUMPLE_VERSION "unknown"
#endif
#define CRUMPLE_TEXT_(x) #x
#define CRUMPLE_TEXT(x) CRUMPLE_TEXT_(x)

PYBIND11_MODULE(_core, m) {
    using namespace crumple::bindings;
    m.doc() = "The C++ core of Crumple. Use it through the crumple package.";
    m.attr("__version__") = CRUMPLE_VERSION;
#if defined(__clang__)
    m.attr("compiler") = "clang " CRUMPLE_TEXT(__clang_major__) "." CRUMPLE_TEXT(__clang_minor__);
#elif defined(__GNUC__)
    m.attr("compiler") = "gcc " CRUMPLE_TEXT(__GNUC__) "." CRUMPLE_TEXT(__GNUC_MINOR__);
#else
    m.attr("compiler") = "unknown";
#endif
    bind_errors(m);
    bind_ports(m);
    bind_recorder(m);
    bind_formula(m);
    bind_stl(m);
    bind_world(m);
    bind_fmu(m);
    bind_python_unit(m);
    bind_worker(m);
    bind_drive(m);
    bind_live(m);
}
