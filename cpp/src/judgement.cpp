// What a world knows of its requirements, and whether its run has come to its end before its last tick.

#include "layout.hpp"

namespace crumple {

void World::add_judge(std::unique_ptr<Judge> judge) {
    const Exclusive exclusive(*this, "add_judge");
    if (phase_ != Phase::open) throw UsageError("add_judge(): the world is built already");
    for (const auto& other : layout_->judges)
        if (other->name() == judge->name()) throw BuildError("there are two requirements '" + judge->name() + "'");
    layout_->judges.push_back(std::move(judge));
    layout_->looks = true;
}

void World::end_when(Program condition) {
    const Exclusive exclusive(*this, "end_when");
    if (phase_ != Phase::open) throw UsageError("end_when(): the world is built already");
    layout_->end_when = std::move(condition);
    layout_->looks = true;
}

void World::bind_judges() {
    const auto slot_of = [this](const std::string& name) { return slot(name); };
    for (const auto& judge : layout_->judges) judge->bind(slot_of);
    if (!layout_->end_when.empty()) layout_->end_when.bind(slot_of);
}

// After every commit, where anybody looks at all.
void World::look() {
    Layout& l = *layout_;
    const double t = this->t();
    bool some = false, all = true;
    for (const auto& judge : l.judges) {
        judge->see(l.published(), t);
        if (!judge->stop() || l.ended) continue;
        some = true;
        all = all && judge->decided();
        if (judge->broken()) l.ended = judge->name();
    }
    if (!l.ended && !l.end_when.empty() && l.end_when.holds(l.published(), t)) l.ended = "";
    if (!l.ended && some && all)
        for (const auto& judge : l.judges)
            if (judge->stop()) l.ended = judge->name();  // the last of them
}

void World::reset_judges() {
    for (const auto& judge : layout_->judges) judge->reset();
    layout_->ended.reset();
}

std::optional<std::string> World::ended() const { return layout_->ended; }

Finding World::finding(const std::string& requirement, Closing closing) const {
    std::vector<std::string> names;
    for (const auto& judge : layout_->judges) {
        if (judge->name() == requirement) return judge->finding(closing);
        names.push_back(judge->name());
    }
    throw UsageError("there is no requirement '" + requirement + "' in this world" + suggest(requirement, names));
}

std::size_t World::slot(const std::string& name) const {
    if (phase_ == Phase::open) throw UsageError("slot(): the world is not built. Call build() first.");
    const PortRef ref = find(name);
    const Port& p = port(ref);
    if (!ref.output) throw BuildError("\"" + name + "\" is an input; name the output that feeds it");
    if (is_blob(p.kind)) throw BuildError("\"" + name + "\" is text or bytes, not a number");
    if (!p.shape.empty() && !ref.element)
        throw BuildError("\"" + name + "\" is an array of " + std::to_string(p.size()) +
                         "; name one element, as in \"" + name + "[0]\"");
    const Place& place = layout_->places[ref.unit];
    return place.out_begin + place.out_offset[ref.port] + ref.element.value_or(0);
}

std::span<const double> World::published() const { return {layout_->published(), layout_->outputs}; }

}  // namespace crumple
