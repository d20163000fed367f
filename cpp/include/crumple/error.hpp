// Errors name the place, the fact and the remedy, in the user's own names.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace crumple {

class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The world as described cannot be built: a wrong name, a clash of sizes or units, a loop.
class BuildError : public Error {
public:
    using Error::Error;
};

// A call in the wrong moment: step before reset, record twice.
class UsageError : public Error {
public:
    using Error::Error;
};

// The state of some units cannot be saved.
class StateError : public UsageError {
public:
    using UsageError::UsageError;
};

// The recording could not be written: disk full, folder gone.
class RecordError : public Error {
public:
    using Error::Error;
};

// A unit failed. Thrown by units with `call` set; the world adds unit, tick and time and rethrows as StepError.
class UnitError : public Error {
public:
    UnitError(std::string call, const std::string& fact, std::string details = {})
        : Error(fact), call_(std::move(call)), details_(std::move(details)) {}
    const std::string& call() const { return call_; }
    const std::string& details() const { return details_; }  // more lines, such as a traceback; mostly empty

private:
    std::string call_;  // the function that failed, such as fmi2DoStep
    std::string details_;
};

// A unit asked to end the run (FMI: terminate). Not a failure, and not a pass either.
class EndRequest : public Error {
public:
    using Error::Error;
};

class StepError : public Error {
public:
    StepError(std::string unit, std::string call, std::int64_t tick, double t, const std::string& fact,
              std::string details = {});

    std::string unit, call, fact, details;
    std::int64_t tick;
    double t;  // [s]
};

class EndError : public StepError {  // an EndRequest, placed
public:
    using StepError::StepError;
};

// Prints a time as users read it: "0.0300 s".
std::string time_text(double t);

// ". Did you mean "x"?" or a list of the names there are, for the end of a message about an unknown name.
std::string suggest(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace crumple
