#pragma once
// FMI 2.0, the whole C interface: common, co-simulation and model exchange.
// Written from the public standard (fmi-standard.org, FMI 2.0.4). C11 and C++20.
//
// Every function fmi2X has a *function* type fmi2XTYPE, as in the standard, so that
//     fmi2DoStepTYPE* do_step = (fmi2DoStepTYPE*)dlsym(library, "fmi2DoStep");
// is how an importer holds one, and an exporter gets its prototypes by defining CRUMPLE_FMI_PROTOTYPES before
// including. CRUMPLE_FMI2_FUNCTIONS(X) calls X(name) for every function, in this file's order.

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define fmi2Version "2.0"
#define fmi2TypesPlatform "default"

// ---- Types -------------------------------------------------------------------------------------------------------

typedef void* fmi2Component;             // an instance; owned by the FMU
typedef void* fmi2ComponentEnvironment;  // the importer's own pointer, handed back in callbacks
typedef void* fmi2FMUstate;              // a saved state; owned by the FMU
typedef unsigned int fmi2ValueReference;
typedef double fmi2Real;
typedef int fmi2Integer;
typedef int fmi2Boolean;  // fmi2True or fmi2False; four bytes, not bool
typedef char fmi2Char;
typedef const fmi2Char* fmi2String;  // UTF-8, ends with 0; what a get returns lives only until the next call
typedef char fmi2Byte;

#define fmi2True 1
#define fmi2False 0

typedef enum {
    fmi2OK,
    fmi2Warning,
    fmi2Discard,  // step refused; the importer may try a shorter one
    fmi2Error,    // this instance is lost; only terminate (sometimes), reset and free may follow
    fmi2Fatal,    // all instances of this FMU are lost; no further call at all
    fmi2Pending   // asynchronous step has begun; not ended yet
} fmi2Status;

typedef enum { fmi2ModelExchange, fmi2CoSimulation } fmi2Type;

typedef enum {
    fmi2DoStepStatus,        // fmi2GetStatus: how the pending step ended
    fmi2PendingStatus,       // fmi2GetStringStatus: what the pending step is doing
    fmi2LastSuccessfulTime,  // fmi2GetRealStatus: how far a discarded step came
    fmi2Terminated           // fmi2GetBooleanStatus: the FMU wants the simulation to end
} fmi2StatusKind;

// ---- Callbacks ---------------------------------------------------------------------------------------------------

// `message` is a printf format for what follows it.
typedef void (*fmi2CallbackLogger)(fmi2ComponentEnvironment componentEnvironment, fmi2String instanceName,
                                   fmi2Status status, fmi2String category, fmi2String message, ...);
typedef void* (*fmi2CallbackAllocateMemory)(size_t nobj, size_t size);  // zeroed, as calloc
typedef void (*fmi2CallbackFreeMemory)(void* obj);
typedef void (*fmi2StepFinished)(fmi2ComponentEnvironment componentEnvironment, fmi2Status status);

// Must outlive the instance: an FMU may keep the pointer it was given.
typedef struct {
    fmi2CallbackLogger logger;
    fmi2CallbackAllocateMemory allocateMemory;
    fmi2CallbackFreeMemory freeMemory;
    fmi2StepFinished stepFinished;  // null: no asynchronous step wanted
    fmi2ComponentEnvironment componentEnvironment;
} fmi2CallbackFunctions;

// Model exchange: what an event iteration found.
typedef struct {
    fmi2Boolean newDiscreteStatesNeeded;
    fmi2Boolean terminateSimulation;
    fmi2Boolean nominalsOfContinuousStatesChanged;
    fmi2Boolean valuesOfContinuousStatesChanged;
    fmi2Boolean nextEventTimeDefined;
    fmi2Real nextEventTime;
} fmi2EventInfo;

// ---- Common: version, logging, life of an instance ---------------------------------------------------------------

typedef const char* fmi2GetTypesPlatformTYPE(void);
typedef const char* fmi2GetVersionTYPE(void);
typedef fmi2Status fmi2SetDebugLoggingTYPE(fmi2Component c, fmi2Boolean loggingOn, size_t nCategories,
                                           const fmi2String categories[]);

// Null on failure. `fmuResourceLocation` is a URI ("file:///..."), not a path.
typedef fmi2Component fmi2InstantiateTYPE(fmi2String instanceName, fmi2Type fmuType, fmi2String fmuGUID,
                                          fmi2String fmuResourceLocation, const fmi2CallbackFunctions* functions,
                                          fmi2Boolean visible, fmi2Boolean loggingOn);
typedef void fmi2FreeInstanceTYPE(fmi2Component c);

// tolerance [1] relative, startTime [s], stopTime [s]; the two flags say whether the value beside them counts.
typedef fmi2Status fmi2SetupExperimentTYPE(fmi2Component c, fmi2Boolean toleranceDefined, fmi2Real tolerance,
                                           fmi2Real startTime, fmi2Boolean stopTimeDefined, fmi2Real stopTime);
typedef fmi2Status fmi2EnterInitializationModeTYPE(fmi2Component c);
typedef fmi2Status fmi2ExitInitializationModeTYPE(fmi2Component c);
typedef fmi2Status fmi2TerminateTYPE(fmi2Component c);
typedef fmi2Status fmi2ResetTYPE(fmi2Component c);

// ---- Common: values; `vr` and `value` have `nvr` items -----------------------------------------------------------

typedef fmi2Status fmi2GetRealTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Real value[]);
typedef fmi2Status fmi2GetIntegerTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Integer value[]);
typedef fmi2Status fmi2GetBooleanTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Boolean value[]);
typedef fmi2Status fmi2GetStringTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2String value[]);
typedef fmi2Status fmi2SetRealTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Real value[]);
typedef fmi2Status fmi2SetIntegerTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                      const fmi2Integer value[]);
typedef fmi2Status fmi2SetBooleanTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                      const fmi2Boolean value[]);
typedef fmi2Status fmi2SetStringTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                     const fmi2String value[]);

// ---- Common: state of the FMU ------------------------------------------------------------------------------------

// *FMUstate null: the FMU allocates; else it reuses what it returned before.
typedef fmi2Status fmi2GetFMUstateTYPE(fmi2Component c, fmi2FMUstate* FMUstate);
typedef fmi2Status fmi2SetFMUstateTYPE(fmi2Component c, fmi2FMUstate FMUstate);
typedef fmi2Status fmi2FreeFMUstateTYPE(fmi2Component c, fmi2FMUstate* FMUstate);
typedef fmi2Status fmi2SerializedFMUstateSizeTYPE(fmi2Component c, fmi2FMUstate FMUstate, size_t* size);
typedef fmi2Status fmi2SerializeFMUstateTYPE(fmi2Component c, fmi2FMUstate FMUstate, fmi2Byte serializedState[],
                                             size_t size);
typedef fmi2Status fmi2DeSerializeFMUstateTYPE(fmi2Component c, const fmi2Byte serializedState[], size_t size,
                                               fmi2FMUstate* FMUstate);

typedef fmi2Status fmi2GetDirectionalDerivativeTYPE(fmi2Component c, const fmi2ValueReference vUnknown_ref[],
                                                    size_t nUnknowns, const fmi2ValueReference vKnown_ref[],
                                                    size_t nKnowns, const fmi2Real dvKnown[], fmi2Real dvUnknown[]);

// ---- Co-simulation -----------------------------------------------------------------------------------------------

typedef fmi2Status fmi2SetRealInputDerivativesTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                                   const fmi2Integer order[], const fmi2Real value[]);
typedef fmi2Status fmi2GetRealOutputDerivativesTYPE(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                                    const fmi2Integer order[], fmi2Real value[]);
typedef fmi2Status fmi2DoStepTYPE(fmi2Component c, fmi2Real currentCommunicationPoint, fmi2Real communicationStepSize,
                                  fmi2Boolean noSetFMUStatePriorToCurrentPoint);
typedef fmi2Status fmi2CancelStepTYPE(fmi2Component c);
typedef fmi2Status fmi2GetStatusTYPE(fmi2Component c, const fmi2StatusKind s, fmi2Status* value);
typedef fmi2Status fmi2GetRealStatusTYPE(fmi2Component c, const fmi2StatusKind s, fmi2Real* value);
typedef fmi2Status fmi2GetIntegerStatusTYPE(fmi2Component c, const fmi2StatusKind s, fmi2Integer* value);
typedef fmi2Status fmi2GetBooleanStatusTYPE(fmi2Component c, const fmi2StatusKind s, fmi2Boolean* value);
typedef fmi2Status fmi2GetStringStatusTYPE(fmi2Component c, const fmi2StatusKind s, fmi2String* value);

// ---- Model exchange ----------------------------------------------------------------------------------------------

typedef fmi2Status fmi2EnterEventModeTYPE(fmi2Component c);
typedef fmi2Status fmi2NewDiscreteStatesTYPE(fmi2Component c, fmi2EventInfo* eventInfo);
typedef fmi2Status fmi2EnterContinuousTimeModeTYPE(fmi2Component c);
typedef fmi2Status fmi2CompletedIntegratorStepTYPE(fmi2Component c, fmi2Boolean noSetFMUStatePriorToCurrentPoint,
                                                   fmi2Boolean* enterEventMode, fmi2Boolean* terminateSimulation);
typedef fmi2Status fmi2SetTimeTYPE(fmi2Component c, fmi2Real time);
typedef fmi2Status fmi2SetContinuousStatesTYPE(fmi2Component c, const fmi2Real x[], size_t nx);
typedef fmi2Status fmi2GetDerivativesTYPE(fmi2Component c, fmi2Real derivatives[], size_t nx);
typedef fmi2Status fmi2GetEventIndicatorsTYPE(fmi2Component c, fmi2Real eventIndicators[], size_t ni);
typedef fmi2Status fmi2GetContinuousStatesTYPE(fmi2Component c, fmi2Real x[], size_t nx);
typedef fmi2Status fmi2GetNominalsOfContinuousStatesTYPE(fmi2Component c, fmi2Real x_nominal[], size_t nx);

// ---- All function names ------------------------------------------------------------------------------------------

#define CRUMPLE_FMI2_COMMON_FUNCTIONS(X) \
    X(fmi2GetTypesPlatform)              \
    X(fmi2GetVersion)                    \
    X(fmi2SetDebugLogging)               \
    X(fmi2Instantiate)                   \
    X(fmi2FreeInstance)                  \
    X(fmi2SetupExperiment)               \
    X(fmi2EnterInitializationMode)       \
    X(fmi2ExitInitializationMode)        \
    X(fmi2Terminate)                     \
    X(fmi2Reset)                         \
    X(fmi2GetReal)                       \
    X(fmi2GetInteger)                    \
    X(fmi2GetBoolean)                    \
    X(fmi2GetString)                     \
    X(fmi2SetReal)                       \
    X(fmi2SetInteger)                    \
    X(fmi2SetBoolean)                    \
    X(fmi2SetString)                     \
    X(fmi2GetFMUstate)                   \
    X(fmi2SetFMUstate)                   \
    X(fmi2FreeFMUstate)                  \
    X(fmi2SerializedFMUstateSize)        \
    X(fmi2SerializeFMUstate)             \
    X(fmi2DeSerializeFMUstate)           \
    X(fmi2GetDirectionalDerivative)

#define CRUMPLE_FMI2_CO_SIMULATION_FUNCTIONS(X) \
    X(fmi2SetRealInputDerivatives)              \
    X(fmi2GetRealOutputDerivatives)             \
    X(fmi2DoStep)                               \
    X(fmi2CancelStep)                           \
    X(fmi2GetStatus)                            \
    X(fmi2GetRealStatus)                        \
    X(fmi2GetIntegerStatus)                     \
    X(fmi2GetBooleanStatus)                     \
    X(fmi2GetStringStatus)

#define CRUMPLE_FMI2_MODEL_EXCHANGE_FUNCTIONS(X) \
    X(fmi2EnterEventMode)                        \
    X(fmi2NewDiscreteStates)                     \
    X(fmi2EnterContinuousTimeMode)               \
    X(fmi2CompletedIntegratorStep)               \
    X(fmi2SetTime)                               \
    X(fmi2SetContinuousStates)                   \
    X(fmi2GetDerivatives)                        \
    X(fmi2GetEventIndicators)                    \
    X(fmi2GetContinuousStates)                   \
    X(fmi2GetNominalsOfContinuousStates)

#define CRUMPLE_FMI2_FUNCTIONS(X)           \
    CRUMPLE_FMI2_COMMON_FUNCTIONS(X)        \
    CRUMPLE_FMI2_CO_SIMULATION_FUNCTIONS(X) \
    CRUMPLE_FMI2_MODEL_EXCHANGE_FUNCTIONS(X)

// ---- Prototypes, for those who write an FMU ----------------------------------------------------------------------

#ifdef CRUMPLE_FMI_PROTOTYPES
#ifndef CRUMPLE_FMI_EXPORT
#if defined(_WIN32) || defined(__CYGWIN__)
#define CRUMPLE_FMI_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define CRUMPLE_FMI_EXPORT __attribute__((visibility("default")))
#else
#define CRUMPLE_FMI_EXPORT
#endif
#endif
#define CRUMPLE_FMI2_PROTOTYPE(name) CRUMPLE_FMI_EXPORT name##TYPE name;
CRUMPLE_FMI2_FUNCTIONS(CRUMPLE_FMI2_PROTOTYPE)
#undef CRUMPLE_FMI2_PROTOTYPE
#endif

#ifdef __cplusplus
}
#endif
