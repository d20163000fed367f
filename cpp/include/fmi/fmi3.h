#pragma once
// FMI 3.0, the whole C interface: common, co-simulation, model exchange and scheduled execution.
// Written from the public standard (fmi-standard.org, FMI 3.0). C11 and C++20.
//
// Every function fmi3X has a *function* type fmi3XTYPE, as in the standard, so that
//     fmi3DoStepTYPE* do_step = (fmi3DoStepTYPE*)dlsym(library, "fmi3DoStep");
// is how an importer holds one, and an exporter gets its prototypes by defining CRUMPLE_FMI_PROTOTYPES before
// including. CRUMPLE_FMI3_FUNCTIONS(X) calls X(name) for every function, in this file's order.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define fmi3Version "3.0"

// ---- Types -------------------------------------------------------------------------------------------------------

typedef void* fmi3Instance;             // owned by the FMU
typedef void* fmi3InstanceEnvironment;  // the importer's own pointer, handed back in callbacks
typedef void* fmi3FMUState;             // a saved state; owned by the FMU
typedef uint32_t fmi3ValueReference;
typedef float fmi3Float32;
typedef double fmi3Float64;
typedef int8_t fmi3Int8;
typedef uint8_t fmi3UInt8;
typedef int16_t fmi3Int16;
typedef uint16_t fmi3UInt16;
typedef int32_t fmi3Int32;
typedef uint32_t fmi3UInt32;
typedef int64_t fmi3Int64;  // also the type of an enumeration's value
typedef uint64_t fmi3UInt64;
typedef bool fmi3Boolean;  // one byte, where FMI 2 has four
typedef char fmi3Char;
typedef const fmi3Char* fmi3String;  // UTF-8, ends with 0; what a get returns lives only until the next call
typedef uint8_t fmi3Byte;
typedef const fmi3Byte* fmi3Binary;  // its length travels beside it; lives only until the next call
typedef bool fmi3Clock;

#define fmi3True true
#define fmi3False false
#define fmi3ClockActive true
#define fmi3ClockInactive false

typedef enum {
    fmi3OK,
    fmi3Warning,
    fmi3Discard,  // call refused, nothing changed; the importer may try something else
    fmi3Error,    // this instance is lost; only reset and free may follow
    fmi3Fatal     // all instances of this FMU are lost; no further call at all
} fmi3Status;

typedef enum { fmi3Independent, fmi3Constant, fmi3Fixed, fmi3Tunable, fmi3Discrete, fmi3Dependent } fmi3DependencyKind;

typedef enum { fmi3IntervalNotYetKnown, fmi3IntervalUnchanged, fmi3IntervalChanged } fmi3IntervalQualifier;

// ---- Callbacks ---------------------------------------------------------------------------------------------------

// `message` is text, not a format, and nothing follows it.
typedef void (*fmi3LogMessageCallback)(fmi3InstanceEnvironment instanceEnvironment, fmi3Status status,
                                       fmi3String category, fmi3String message);
typedef void (*fmi3ClockUpdateCallback)(fmi3InstanceEnvironment instanceEnvironment);
typedef void (*fmi3IntermediateUpdateCallback)(fmi3InstanceEnvironment instanceEnvironment,
                                               fmi3Float64 intermediateUpdateTime,
                                               fmi3Boolean intermediateVariableSetRequested,
                                               fmi3Boolean intermediateVariableGetAllowed,
                                               fmi3Boolean intermediateStepFinished, fmi3Boolean canReturnEarly,
                                               fmi3Boolean* earlyReturnRequested, fmi3Float64* earlyReturnTime);
typedef void (*fmi3LockPreemptionCallback)(void);
typedef void (*fmi3UnlockPreemptionCallback)(void);

// ---- Common: version, logging, life of an instance ---------------------------------------------------------------

typedef const char* fmi3GetVersionTYPE(void);
typedef fmi3Status fmi3SetDebugLoggingTYPE(fmi3Instance instance, fmi3Boolean loggingOn, size_t nCategories,
                                           const fmi3String categories[]);

// The three return null on failure. `resourcePath` is a path that ends with a separator (not a URI), or null when the
// FMU has no resources.
typedef fmi3Instance fmi3InstantiateModelExchangeTYPE(fmi3String instanceName, fmi3String instantiationToken,
                                                      fmi3String resourcePath, fmi3Boolean visible,
                                                      fmi3Boolean loggingOn,
                                                      fmi3InstanceEnvironment instanceEnvironment,
                                                      fmi3LogMessageCallback logMessage);
typedef fmi3Instance fmi3InstantiateCoSimulationTYPE(
    fmi3String instanceName, fmi3String instantiationToken, fmi3String resourcePath, fmi3Boolean visible,
    fmi3Boolean loggingOn, fmi3Boolean eventModeUsed, fmi3Boolean earlyReturnAllowed,
    const fmi3ValueReference requiredIntermediateVariables[], size_t nRequiredIntermediateVariables,
    fmi3InstanceEnvironment instanceEnvironment, fmi3LogMessageCallback logMessage,
    fmi3IntermediateUpdateCallback intermediateUpdate);
typedef fmi3Instance fmi3InstantiateScheduledExecutionTYPE(
    fmi3String instanceName, fmi3String instantiationToken, fmi3String resourcePath, fmi3Boolean visible,
    fmi3Boolean loggingOn, fmi3InstanceEnvironment instanceEnvironment, fmi3LogMessageCallback logMessage,
    fmi3ClockUpdateCallback clockUpdate, fmi3LockPreemptionCallback lockPreemption,
    fmi3UnlockPreemptionCallback unlockPreemption);
typedef void fmi3FreeInstanceTYPE(fmi3Instance instance);

// tolerance [1] relative, startTime [s], stopTime [s]; the two flags say whether the value beside them counts.
typedef fmi3Status fmi3EnterInitializationModeTYPE(fmi3Instance instance, fmi3Boolean toleranceDefined,
                                                   fmi3Float64 tolerance, fmi3Float64 startTime,
                                                   fmi3Boolean stopTimeDefined, fmi3Float64 stopTime);
typedef fmi3Status fmi3ExitInitializationModeTYPE(fmi3Instance instance);
typedef fmi3Status fmi3EnterEventModeTYPE(fmi3Instance instance);
typedef fmi3Status fmi3TerminateTYPE(fmi3Instance instance);
typedef fmi3Status fmi3ResetTYPE(fmi3Instance instance);

// ---- Common: values ----------------------------------------------------------------------------------------------
// `values` holds all elements of all named variables in order, arrays row by row: nValues >= nValueReferences.

typedef fmi3Status fmi3GetFloat32TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                      size_t nValueReferences, fmi3Float32 values[], size_t nValues);
typedef fmi3Status fmi3GetFloat64TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                      size_t nValueReferences, fmi3Float64 values[], size_t nValues);
typedef fmi3Status fmi3GetInt8TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                   size_t nValueReferences, fmi3Int8 values[], size_t nValues);
typedef fmi3Status fmi3GetUInt8TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, fmi3UInt8 values[], size_t nValues);
typedef fmi3Status fmi3GetInt16TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, fmi3Int16 values[], size_t nValues);
typedef fmi3Status fmi3GetUInt16TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, fmi3UInt16 values[], size_t nValues);
typedef fmi3Status fmi3GetInt32TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, fmi3Int32 values[], size_t nValues);
typedef fmi3Status fmi3GetUInt32TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, fmi3UInt32 values[], size_t nValues);
typedef fmi3Status fmi3GetInt64TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, fmi3Int64 values[], size_t nValues);
typedef fmi3Status fmi3GetUInt64TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, fmi3UInt64 values[], size_t nValues);
typedef fmi3Status fmi3GetBooleanTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                      size_t nValueReferences, fmi3Boolean values[], size_t nValues);
typedef fmi3Status fmi3GetStringTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, fmi3String values[], size_t nValues);
typedef fmi3Status fmi3GetBinaryTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, size_t valueSizes[], fmi3Binary values[], size_t nValues);
typedef fmi3Status fmi3GetClockTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, fmi3Clock values[]);

typedef fmi3Status fmi3SetFloat32TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                      size_t nValueReferences, const fmi3Float32 values[], size_t nValues);
typedef fmi3Status fmi3SetFloat64TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                      size_t nValueReferences, const fmi3Float64 values[], size_t nValues);
typedef fmi3Status fmi3SetInt8TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                   size_t nValueReferences, const fmi3Int8 values[], size_t nValues);
typedef fmi3Status fmi3SetUInt8TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, const fmi3UInt8 values[], size_t nValues);
typedef fmi3Status fmi3SetInt16TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, const fmi3Int16 values[], size_t nValues);
typedef fmi3Status fmi3SetUInt16TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, const fmi3UInt16 values[], size_t nValues);
typedef fmi3Status fmi3SetInt32TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, const fmi3Int32 values[], size_t nValues);
typedef fmi3Status fmi3SetUInt32TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, const fmi3UInt32 values[], size_t nValues);
typedef fmi3Status fmi3SetInt64TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, const fmi3Int64 values[], size_t nValues);
typedef fmi3Status fmi3SetUInt64TYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, const fmi3UInt64 values[], size_t nValues);
typedef fmi3Status fmi3SetBooleanTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                      size_t nValueReferences, const fmi3Boolean values[], size_t nValues);
typedef fmi3Status fmi3SetStringTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, const fmi3String values[], size_t nValues);
typedef fmi3Status fmi3SetBinaryTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                     size_t nValueReferences, const size_t valueSizes[], const fmi3Binary values[],
                                     size_t nValues);
typedef fmi3Status fmi3SetClockTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, const fmi3Clock values[]);

// ---- Common: dependencies, state, derivatives ---------------------------------------------------------------------

typedef fmi3Status fmi3GetNumberOfVariableDependenciesTYPE(fmi3Instance instance, fmi3ValueReference valueReference,
                                                           size_t* nDependencies);
typedef fmi3Status fmi3GetVariableDependenciesTYPE(fmi3Instance instance, fmi3ValueReference dependent,
                                                   size_t elementIndicesOfDependent[],
                                                   fmi3ValueReference independents[],
                                                   size_t elementIndicesOfIndependents[],
                                                   fmi3DependencyKind dependencyKinds[], size_t nDependencies);

// *FMUState null: the FMU allocates; else it reuses what it returned before.
typedef fmi3Status fmi3GetFMUStateTYPE(fmi3Instance instance, fmi3FMUState* FMUState);
typedef fmi3Status fmi3SetFMUStateTYPE(fmi3Instance instance, fmi3FMUState FMUState);
typedef fmi3Status fmi3FreeFMUStateTYPE(fmi3Instance instance, fmi3FMUState* FMUState);
typedef fmi3Status fmi3SerializedFMUStateSizeTYPE(fmi3Instance instance, fmi3FMUState FMUState, size_t* size);
typedef fmi3Status fmi3SerializeFMUStateTYPE(fmi3Instance instance, fmi3FMUState FMUState, fmi3Byte serializedState[],
                                             size_t size);
typedef fmi3Status fmi3DeserializeFMUStateTYPE(fmi3Instance instance, const fmi3Byte serializedState[], size_t size,
                                               fmi3FMUState* FMUState);

typedef fmi3Status fmi3GetDirectionalDerivativeTYPE(fmi3Instance instance, const fmi3ValueReference unknowns[],
                                                    size_t nUnknowns, const fmi3ValueReference knowns[], size_t nKnowns,
                                                    const fmi3Float64 seed[], size_t nSeed, fmi3Float64 sensitivity[],
                                                    size_t nSensitivity);
typedef fmi3Status fmi3GetAdjointDerivativeTYPE(fmi3Instance instance, const fmi3ValueReference unknowns[],
                                                size_t nUnknowns, const fmi3ValueReference knowns[], size_t nKnowns,
                                                const fmi3Float64 seed[], size_t nSeed, fmi3Float64 sensitivity[],
                                                size_t nSensitivity);

// ---- Common: configuration mode (structural parameters), clocks, events -------------------------------------------

typedef fmi3Status fmi3EnterConfigurationModeTYPE(fmi3Instance instance);
typedef fmi3Status fmi3ExitConfigurationModeTYPE(fmi3Instance instance);

typedef fmi3Status fmi3GetIntervalDecimalTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                              size_t nValueReferences, fmi3Float64 intervals[],
                                              fmi3IntervalQualifier qualifiers[]);
typedef fmi3Status fmi3GetIntervalFractionTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                               size_t nValueReferences, fmi3UInt64 counters[], fmi3UInt64 resolutions[],
                                               fmi3IntervalQualifier qualifiers[]);
typedef fmi3Status fmi3GetShiftDecimalTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                           size_t nValueReferences, fmi3Float64 shifts[]);
typedef fmi3Status fmi3GetShiftFractionTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                            size_t nValueReferences, fmi3UInt64 counters[], fmi3UInt64 resolutions[]);
typedef fmi3Status fmi3SetIntervalDecimalTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                              size_t nValueReferences, const fmi3Float64 intervals[]);
typedef fmi3Status fmi3SetIntervalFractionTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                               size_t nValueReferences, const fmi3UInt64 counters[],
                                               const fmi3UInt64 resolutions[]);
typedef fmi3Status fmi3SetShiftDecimalTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                           size_t nValueReferences, const fmi3Float64 shifts[]);
typedef fmi3Status fmi3SetShiftFractionTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                            size_t nValueReferences, const fmi3UInt64 counters[],
                                            const fmi3UInt64 resolutions[]);
typedef fmi3Status fmi3EvaluateDiscreteStatesTYPE(fmi3Instance instance);
typedef fmi3Status fmi3UpdateDiscreteStatesTYPE(fmi3Instance instance, fmi3Boolean* discreteStatesNeedUpdate,
                                                fmi3Boolean* terminateSimulation,
                                                fmi3Boolean* nominalsOfContinuousStatesChanged,
                                                fmi3Boolean* valuesOfContinuousStatesChanged,
                                                fmi3Boolean* nextEventTimeDefined, fmi3Float64* nextEventTime);

// ---- Co-simulation ------------------------------------------------------------------------------------------------

typedef fmi3Status fmi3EnterStepModeTYPE(fmi3Instance instance);
typedef fmi3Status fmi3GetOutputDerivativesTYPE(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                                size_t nValueReferences, const fmi3Int32 orders[], fmi3Float64 values[],
                                                size_t nValues);
typedef fmi3Status fmi3DoStepTYPE(fmi3Instance instance, fmi3Float64 currentCommunicationPoint,
                                  fmi3Float64 communicationStepSize, fmi3Boolean noSetFMUStatePriorToCurrentPoint,
                                  fmi3Boolean* eventHandlingNeeded, fmi3Boolean* terminateSimulation,
                                  fmi3Boolean* earlyReturn, fmi3Float64* lastSuccessfulTime);

// ---- Model exchange -----------------------------------------------------------------------------------------------

typedef fmi3Status fmi3EnterContinuousTimeModeTYPE(fmi3Instance instance);
typedef fmi3Status fmi3CompletedIntegratorStepTYPE(fmi3Instance instance, fmi3Boolean noSetFMUStatePriorToCurrentPoint,
                                                   fmi3Boolean* enterEventMode, fmi3Boolean* terminateSimulation);
typedef fmi3Status fmi3SetTimeTYPE(fmi3Instance instance, fmi3Float64 time);
typedef fmi3Status fmi3SetContinuousStatesTYPE(fmi3Instance instance, const fmi3Float64 continuousStates[],
                                               size_t nContinuousStates);
typedef fmi3Status fmi3GetContinuousStateDerivativesTYPE(fmi3Instance instance, fmi3Float64 derivatives[],
                                                         size_t nContinuousStates);
typedef fmi3Status fmi3GetEventIndicatorsTYPE(fmi3Instance instance, fmi3Float64 eventIndicators[],
                                              size_t nEventIndicators);
typedef fmi3Status fmi3GetContinuousStatesTYPE(fmi3Instance instance, fmi3Float64 continuousStates[],
                                               size_t nContinuousStates);
typedef fmi3Status fmi3GetNominalsOfContinuousStatesTYPE(fmi3Instance instance, fmi3Float64 nominals[],
                                                         size_t nContinuousStates);
typedef fmi3Status fmi3GetNumberOfEventIndicatorsTYPE(fmi3Instance instance, size_t* nEventIndicators);
typedef fmi3Status fmi3GetNumberOfContinuousStatesTYPE(fmi3Instance instance, size_t* nContinuousStates);

// ---- Scheduled execution ------------------------------------------------------------------------------------------

typedef fmi3Status fmi3ActivateModelPartitionTYPE(fmi3Instance instance, fmi3ValueReference clockReference,
                                                  fmi3Float64 activationTime);

// ---- All function names -------------------------------------------------------------------------------------------

#define CRUMPLE_FMI3_COMMON_FUNCTIONS(X)   \
    X(fmi3GetVersion)                      \
    X(fmi3SetDebugLogging)                 \
    X(fmi3FreeInstance)                    \
    X(fmi3EnterInitializationMode)         \
    X(fmi3ExitInitializationMode)          \
    X(fmi3EnterEventMode)                  \
    X(fmi3Terminate)                       \
    X(fmi3Reset)                           \
    X(fmi3GetFloat32)                      \
    X(fmi3GetFloat64)                      \
    X(fmi3GetInt8)                         \
    X(fmi3GetUInt8)                        \
    X(fmi3GetInt16)                        \
    X(fmi3GetUInt16)                       \
    X(fmi3GetInt32)                        \
    X(fmi3GetUInt32)                       \
    X(fmi3GetInt64)                        \
    X(fmi3GetUInt64)                       \
    X(fmi3GetBoolean)                      \
    X(fmi3GetString)                       \
    X(fmi3GetBinary)                       \
    X(fmi3GetClock)                        \
    X(fmi3SetFloat32)                      \
    X(fmi3SetFloat64)                      \
    X(fmi3SetInt8)                         \
    X(fmi3SetUInt8)                        \
    X(fmi3SetInt16)                        \
    X(fmi3SetUInt16)                       \
    X(fmi3SetInt32)                        \
    X(fmi3SetUInt32)                       \
    X(fmi3SetInt64)                        \
    X(fmi3SetUInt64)                       \
    X(fmi3SetBoolean)                      \
    X(fmi3SetString)                       \
    X(fmi3SetBinary)                       \
    X(fmi3SetClock)                        \
    X(fmi3GetNumberOfVariableDependencies) \
    X(fmi3GetVariableDependencies)         \
    X(fmi3GetFMUState)                     \
    X(fmi3SetFMUState)                     \
    X(fmi3FreeFMUState)                    \
    X(fmi3SerializedFMUStateSize)          \
    X(fmi3SerializeFMUState)               \
    X(fmi3DeserializeFMUState)             \
    X(fmi3GetDirectionalDerivative)        \
    X(fmi3GetAdjointDerivative)            \
    X(fmi3EnterConfigurationMode)          \
    X(fmi3ExitConfigurationMode)           \
    X(fmi3GetIntervalDecimal)              \
    X(fmi3GetIntervalFraction)             \
    X(fmi3GetShiftDecimal)                 \
    X(fmi3GetShiftFraction)                \
    X(fmi3SetIntervalDecimal)              \
    X(fmi3SetIntervalFraction)             \
    X(fmi3SetShiftDecimal)                 \
    X(fmi3SetShiftFraction)                \
    X(fmi3EvaluateDiscreteStates)          \
    X(fmi3UpdateDiscreteStates)

#define CRUMPLE_FMI3_CO_SIMULATION_FUNCTIONS(X) \
    X(fmi3InstantiateCoSimulation)              \
    X(fmi3EnterStepMode)                        \
    X(fmi3GetOutputDerivatives)                 \
    X(fmi3DoStep)

#define CRUMPLE_FMI3_MODEL_EXCHANGE_FUNCTIONS(X) \
    X(fmi3InstantiateModelExchange)              \
    X(fmi3EnterContinuousTimeMode)               \
    X(fmi3CompletedIntegratorStep)               \
    X(fmi3SetTime)                               \
    X(fmi3SetContinuousStates)                   \
    X(fmi3GetContinuousStateDerivatives)         \
    X(fmi3GetEventIndicators)                    \
    X(fmi3GetContinuousStates)                   \
    X(fmi3GetNominalsOfContinuousStates)         \
    X(fmi3GetNumberOfEventIndicators)            \
    X(fmi3GetNumberOfContinuousStates)

#define CRUMPLE_FMI3_SCHEDULED_EXECUTION_FUNCTIONS(X) \
    X(fmi3InstantiateScheduledExecution)              \
    X(fmi3ActivateModelPartition)

#define CRUMPLE_FMI3_FUNCTIONS(X)            \
    CRUMPLE_FMI3_COMMON_FUNCTIONS(X)         \
    CRUMPLE_FMI3_CO_SIMULATION_FUNCTIONS(X)  \
    CRUMPLE_FMI3_MODEL_EXCHANGE_FUNCTIONS(X) \
    CRUMPLE_FMI3_SCHEDULED_EXECUTION_FUNCTIONS(X)

// ---- Prototypes, for those who write an FMU -----------------------------------------------------------------------

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
#define CRUMPLE_FMI3_PROTOTYPE(name) CRUMPLE_FMI_EXPORT name##TYPE name;
CRUMPLE_FMI3_FUNCTIONS(CRUMPLE_FMI3_PROTOTYPE)
#undef CRUMPLE_FMI3_PROTOTYPE
#endif

#ifdef __cplusplus
}
#endif
