#include "crumple/formula.hpp"

#include <map>
#include <tuple>

#include "bindings.hpp"

namespace crumple::bindings {

void bind_formula(py::module_& m) {
    py::class_<Program>(m, "Program")
        .def(py::init([](const std::vector<std::tuple<std::string, double, double, std::string>>& terms) {
                 std::vector<Term> list;
                 for (const auto& [op, x, y, name] : terms) list.push_back({op, x, y, name});
                 return Program(list);
             }),
             py::arg("terms"))
        .def_property_readonly("signals", &Program::signals)
        .def(
            "bind",
            [](Program& program, const World& world) {
                program.bind([&](const std::string& name) { return world.slot(name); });
            },
            py::arg("world"))
        .def(
            "value",
            [](const Program& program, const World& world) {
                return program.value(world.published().data(), world.t());
            },
            py::arg("world"))
        .def(
            "evaluate",
            [](const Program& program, const std::map<std::string, double>& values, double t) {
                Program bound = program;
                std::vector<double> published;
                bound.bind([&](const std::string& name) {
                    published.push_back(values.at(name));
                    return published.size() - 1;
                });
                return bound.value(published.data(), t);
            },
            py::arg("values"), py::arg("t"));
}

}  // namespace crumple::bindings
