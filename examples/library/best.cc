// Prints the best stored trial of a recipe by a metric: best STORE RECIPE METRIC [NAME=VALUE]...
#include <hpx.h>

#include <cmath>
#include <iostream>
#include <memory>

template <typename T> using owned = std::unique_ptr<T, void (*)(T *)>;

int main(int argc, char **argv)
{
    hpx_error error;
    hpx_open_options options{};
    hpx_handle *store;
    hpx_recipe *recipe;
    hpx_trials *trials;
    if (argc < 4) {
        std::cerr << "usage: best STORE RECIPE METRIC [NAME=VALUE]...\n";
        return 2;
    }
    options.read_only = 1;
    if (hpx_open(&store, argv[1], &options, &error)) {
        std::cerr << "best: " << error.message << "\n";
        return 1;
    }
    owned<hpx_handle> close_store(store, hpx_close);
    if (hpx_read_recipe(&recipe, argv[2], argv + 4, argc - 4, &error)) {
        std::cerr << "best: " << error.message << "\n";
        return 1;
    }
    owned<hpx_recipe> free_recipe(recipe, hpx_free_recipe);
    if (hpx_read_trials(&trials, store, recipe, 0, &error)) {
        std::cerr << "best: " << error.message << "\n";
        return 1;
    }
    owned<hpx_trials> free_trials(trials, hpx_free_trials);

    const hpx_trial *best = nullptr;
    for (size_t i = 0; i < trials->count; i++) {
        const double value = hpx_trial_metric(&trials->list[i], argv[3]);
        if (!std::isnan(value) && (!best || value > hpx_trial_metric(best, argv[3])))
            best = &trials->list[i];
    }
    if (!best) {
        std::cerr << "best: nothing is stored that has " << argv[3] << "\n";
        return 1;
    }
    for (size_t i = 0; i < best->axis_count; i++)
        std::cout << best->cell[i].axis << "=" << best->cell[i].value << " ";
    std::cout << argv[3] << "=" << hpx_trial_metric(best, argv[3]) << "\n";
}
