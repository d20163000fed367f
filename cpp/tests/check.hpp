// The smallest test harness that does the job. The machine that builds Crumple needs a compiler and nothing else, so
// the C++ tests bring no library along.
#pragma once

#include <cmath>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace check {

struct Case {
    const char* name;
    void (*run)();
};

inline std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

struct Enter {
    Enter(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

struct Failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
    std::ostringstream text;
    text << file << ":" << line << ": " << what;
    throw Failed(text.str());
}

template <class A, class B>
void equal(const A& a, const B& b, const char* text, const char* file, int line) {
    if (a == b) return;
    std::ostringstream what;
    what.precision(17);
    what << text << ": " << a << " is not " << b;
    fail(file, line, what.str());
}

inline void close(double a, double b, double relative, const char* text, const char* file, int line) {
    if (std::fabs(a - b) <= relative * std::fmax(std::fabs(a), std::fabs(b))) return;
    std::ostringstream what;
    what.precision(17);
    what << text << ": " << a << " is not within " << relative << " of " << b;
    fail(file, line, what.str());
}

// Runs fn, which must throw E with a message that contains `part`.
template <class E>
void throws(const std::function<void()>& fn, const std::string& part, const char* file, int line) {
    try {
        fn();
    } catch (const E& error) {
        if (std::string(error.what()).find(part) == std::string::npos)
            fail(file, line, std::string("the message is \"") + error.what() + "\", without \"" + part + "\"");
        return;
    }
    fail(file, line, "nothing was thrown");
}

inline int run_all(int argc, char** argv) {
    int failures = 0, ran = 0;
    for (const Case& one : cases()) {
        if (argc > 1 && std::string(one.name).find(argv[1]) == std::string::npos) continue;
        ++ran;
        try {
            one.run();
        } catch (const std::exception& error) {
            ++failures;
            std::cerr << "FAILED  " << one.name << "\n        " << error.what() << "\n";
        }
    }
    std::cout << ran - failures << " of " << ran << " passed\n";
    return failures > 0 || ran == 0 ? 1 : 0;
}

}  // namespace check

#define CASE(name)                                       \
    static void name();                                  \
    static const check::Enter enter_##name(#name, name); \
    static void name()
#define CHECK(condition) \
    if (!(condition)) check::fail(__FILE__, __LINE__, #condition)
#define CHECK_EQUAL(a, b) check::equal((a), (b), #a, __FILE__, __LINE__)
#define CHECK_CLOSE(a, b, relative) check::close((a), (b), (relative), #a, __FILE__, __LINE__)
#define CHECK_THROWS(E, expression, part) check::throws<E>([&] { (void)(expression); }, (part), __FILE__, __LINE__)
