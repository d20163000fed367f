#include "crumple/stl.hpp"

#include <pybind11/numpy.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "bindings.hpp"

namespace crumple::bindings {

namespace {

template <class Word>
Word word_of(const std::map<std::string, Word>& words, const std::string& word) {
    const auto found = words.find(word);
    if (found == words.end()) throw UsageError("a requirement cannot hold \"" + word + "\"");
    return found->second;
}

const std::map<std::string, StlOp> operators{{"atom", StlOp::atom},
                                             {"and", StlOp::both},
                                             {"or", StlOp::either},
                                             {"always", StlOp::always},
                                             {"eventually", StlOp::eventually},
                                             {"until", StlOp::until},
                                             {"release", StlOp::release},
                                             {"once", StlOp::once},
                                             {"historically", StlOp::historically}};
const std::map<std::string, Relation> relations{
    {"<", Relation::less},   {"<=", Relation::less_equal}, {">", Relation::greater},    {">=", Relation::greater_equal},
    {"==", Relation::equal}, {"!=", Relation::unequal},    {"true", Relation::is_true}, {"false", Relation::is_false}};
const std::map<std::string, Closing> closings{
    {"cut", Closing::cut}, {"whole", Closing::whole}, {"ended", Closing::ended}};

// Operator, window [ticks] (to = None: without end), and of an atom: what is compared with 0, how, and whether it is
// crisp.
using Described = std::tuple<std::string, Tick, std::optional<Tick>, std::optional<Program>, std::string, bool>;

Judge make_judge(const std::string& name, const std::vector<Described>& described, bool stop) {
    std::vector<StlTerm> terms;
    for (const auto& [op, from, to, program, relation, crisp] : described) {
        StlTerm term;
        term.op = word_of(operators, op);
        term.from = from;
        term.to = to.value_or(forever);
        if (term.op == StlOp::atom) {
            if (!program) throw UsageError("a comparison needs a program");
            term.value = *program;
            term.relation = word_of(relations, relation);
            term.crisp = crisp;
        }
        terms.push_back(std::move(term));
    }
    return {name, std::move(terms), stop};
}

}  // namespace

Closing closing_from_name(const std::string& name) { return word_of(closings, name); }

void bind_stl(py::module_& m) {
    py::class_<Finding>(m, "Finding")
        .def_readonly("low", &Finding::low)
        .def_readonly("high", &Finding::high)
        .def_readonly("decided", &Finding::decided)
        .def_readonly("holds", &Finding::holds)
        .def_readonly("broken", &Finding::broken)
        .def_readonly("low_atom", &Finding::low_atom)
        .def_readonly("high_atom", &Finding::high_atom)
        .def_readonly("low_tick", &Finding::low_tick)
        .def_readonly("high_tick", &Finding::high_tick);
    py::class_<Judge>(m, "Judge")
        .def(py::init(&make_judge), py::arg("name"), py::arg("terms"), py::arg("stop"))
        .def_property_readonly("name", &Judge::name)
        .def(
            "over",
            [](Judge judge, const std::vector<std::string>& names,
               const py::array_t<double, py::array::c_style | py::array::forcecast>& rows, double period, double start,
               const std::string& closing) {
                if (rows.ndim() != 2 || static_cast<std::size_t>(rows.shape(1)) != names.size())
                    throw UsageError("over(): rows has a column for each name");
                judge.bind([&](const std::string& name) {
                    const auto found = std::find(names.begin(), names.end(), name);
                    if (found == names.end()) throw UsageError("over(): there is no column \"" + name + "\"");
                    return static_cast<std::size_t>(found - names.begin());
                });
                for (py::ssize_t i = 0; i < rows.shape(0); ++i)
                    judge.see(rows.data(i, 0), start + static_cast<double>(i) * period);
                return judge.finding(closing_from_name(closing));
            },
            py::arg("names"), py::arg("rows"), py::arg("period"), py::arg("start"), py::arg("closing"));
}

}  // namespace crumple::bindings
