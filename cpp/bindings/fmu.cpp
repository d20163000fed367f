#include "crumple/fmu.hpp"

#include <array>

#include "bindings.hpp"
#include "crumple/table.hpp"

namespace crumple::bindings {

namespace {

FmiType type_from(const std::string& name) {
    constexpr std::array<std::pair<const char*, FmiType>, 13> types{{{"float32", FmiType::float32},
                                                                     {"float64", FmiType::float64},
                                                                     {"int8", FmiType::int8},
                                                                     {"uint8", FmiType::uint8},
                                                                     {"int16", FmiType::int16},
                                                                     {"uint16", FmiType::uint16},
                                                                     {"int32", FmiType::int32},
                                                                     {"uint32", FmiType::uint32},
                                                                     {"int64", FmiType::int64},
                                                                     {"uint64", FmiType::uint64},
                                                                     {"boolean", FmiType::boolean},
                                                                     {"string", FmiType::string},
                                                                     {"binary", FmiType::binary}}};
    for (const auto& [text, type] : types)
        if (name == text) return type;
    throw BuildError("FMI type \"" + name + "\" cannot travel between units");
}

std::vector<FmuVariable> variables(const py::handle& list) {
    std::vector<FmuVariable> all;
    for (const auto& item : list) {
        const auto d = item.cast<py::dict>();
        all.push_back({d["ref"].cast<std::uint32_t>(), type_from(d["type"].cast<std::string>()), port_from_python(d)});
    }
    return all;
}

}  // namespace

std::vector<FmuStart> starts_from_python(const py::list& starts) {
    std::vector<FmuStart> all;
    for (const auto& item : starts) {
        const auto d = item.cast<py::dict>();
        FmuStart start;
        start.name = d["name"].cast<std::string>();
        start.ref = d["ref"].cast<std::uint32_t>();
        start.type = type_from(d["type"].cast<std::string>());
        start.structural = d["structural"].cast<bool>();
        if (start.type == FmiType::string || start.type == FmiType::binary)
            start.blobs = d["values"].cast<std::vector<std::string>>();
        else
            start.numbers = d["values"].cast<std::vector<double>>();
        all.push_back(std::move(start));
    }
    return all;
}

void bind_fmu(py::module_& m) {
    py::class_<FmuSpec, std::shared_ptr<FmuSpec>>(m, "FmuSpec").def(py::init([](const py::dict& d) {
        auto spec = std::make_shared<FmuSpec>();
        spec->fmi = d["fmi"].cast<int>();
        spec->file = d["file"].cast<std::string>();
        spec->library = d["library"].cast<std::string>();
        spec->token = d["token"].cast<std::string>();
        spec->resources = d["resources"].cast<std::string>();
        spec->once_per_process = d["once_per_process"].cast<bool>();
        spec->can_save = d["can_save"].cast<bool>();
        spec->can_serialize = d["can_serialize"].cast<bool>();
        spec->can_vary_step = d["can_vary_step"].cast<bool>();
        spec->pinned = d["pinned"].cast<bool>();
        spec->default_step = d["default_step"].cast<double>();
        spec->inputs = variables(d["inputs"]);
        spec->outputs = variables(d["outputs"]);
        spec->tunables = variables(d["tunables"]);
        spec->feedthrough = d["feedthrough"].cast<std::vector<std::vector<std::size_t>>>();
        return spec;
    }));
    m.def(
        "make_fmu_unit",
        [](const std::shared_ptr<FmuSpec>& spec, const std::string& instance, const py::list& starts,
           std::optional<double> tolerance, std::optional<double> stop, bool allow_warnings,
           const std::optional<py::dict>& worker) {
            FmuOptions options;
            options.instance = instance;
            options.tolerance = tolerance;
            options.stop = stop;
            options.allow_warnings = allow_warnings;
            options.starts = starts_from_python(starts);
            if (worker) return UnitHolder{make_fmu_worker(spec, std::move(options), worker_options(*worker))};
            return UnitHolder{make_fmu_unit(spec, std::move(options))};
        },
        py::arg("spec"), py::arg("instance"), py::arg("starts"), py::arg("tolerance"), py::arg("stop"),
        py::arg("allow_warnings"), py::arg("worker") = py::none());
    m.def(
        "make_table",
        [](std::vector<double> times,
           const std::vector<std::tuple<std::string, std::string, std::vector<double>>>& list) {
            std::vector<TableColumn> columns;
            for (const auto& [name, kind, values] : list) columns.push_back({name, kind_from_name(kind), values});
            return UnitHolder{make_table(std::move(times), std::move(columns))};
        },
        py::arg("times"), py::arg("columns"));
}

}  // namespace crumple::bindings
