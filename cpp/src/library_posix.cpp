#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <vector>

#include "crumple/error.hpp"
#include "library.hpp"

namespace crumple {

namespace {

namespace fs = std::filesystem;

// Beside the original where that can be written, so that libraries found through $ORIGIN are still found.
fs::path copy_of(const fs::path& original) {
    static std::atomic<unsigned> count{0};
    const std::string name = original.stem().string() + "-" + std::to_string(getpid()) + "-" + std::to_string(count++) +
                             original.extension().string();
    std::error_code failed;
    for (const fs::path& folder : {original.parent_path(), fs::temp_directory_path()}) {
        const fs::path copy = folder / name;
        if (fs::copy_file(original, copy, failed)) return copy;
    }
    throw UnitError("dlopen", "cannot make a private copy of " + original.string() + ": " + failed.message());
}

// Loads the libraries beside an FMU's own. Where it needs one of them and does not say in which folder to look, as is
// usual on Windows, it then finds them loaded. True if there was any.
bool open_neighbours(const fs::path& library) {
    std::error_code failed;
    std::vector<fs::path> waiting;
    for (const auto& entry : fs::directory_iterator(library.parent_path(), failed))
        if (entry.path() != library &&
            entry.path().filename().string().find(library.extension().string()) != std::string::npos)
            waiting.push_back(entry.path());
    std::sort(waiting.begin(), waiting.end());
    bool any = false;
    for (std::size_t before = 0; before != waiting.size();) {  // they may need each other, in any order
        before = waiting.size();
        std::erase_if(waiting, [](const fs::path& path) { return dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL); });
        any |= waiting.size() != before;
    }
    return any;
}

}  // namespace

Library Library::open(const std::string& path, bool private_copy) {
    const fs::path opened = private_copy ? copy_of(path) : fs::path(path);
    Library library;
    library.handle_ = dlopen(opened.c_str(), RTLD_NOW | RTLD_LOCAL);
    std::string why;
    if (!library.handle_) {
        why = dlerror();
        if (why.find("cannot open shared object file") != std::string::npos && open_neighbours(path)) {
            library.handle_ = dlopen(opened.c_str(), RTLD_NOW | RTLD_LOCAL);
            if (!library.handle_) why = dlerror();
        }
        // a symbol that the FMU never calls may be missing: it is bound when called
        if (!library.handle_ && why.find("undefined symbol") != std::string::npos) {
            library.handle_ = dlopen(opened.c_str(), RTLD_LAZY | RTLD_LOCAL);
            if (library.handle_) library.warning_ = "its library is incomplete (" + why + ")";
        }
    }
    std::error_code ignored;
    if (private_copy) fs::remove(opened, ignored);  // the mapping keeps the file's contents
    if (!library.handle_) throw UnitError("dlopen", "the library cannot be loaded: " + why);
    return library;
}

void* Library::find(const char* symbol) const { return dlsym(handle_, symbol); }

}  // namespace crumple
