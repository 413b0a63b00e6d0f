#include "inside.h"

#include "base/text.h"
#include "hpx/file.h"
#include "hpx/recipe.h"

#include <stdlib.h>
#include <string.h>

static const char nothing[] = "# A perceptron for MNIST, handwritten digits. hpx knows this data set by "
                              "name: the first build fetches it, and so does\n"
                              "# `hpx data fetch mnist`.\n"
                              "\n"
                              "dataset mnist\n"
                              "  validation = 10000 # training images that are held out to select on\n"
                              "  # For images of your own: IDX files, and another name for the data set.\n"
                              "  # train = train-images train-labels\n"
                              "  # test  = test-images test-labels\n";

bool hpx_starter_is_plain(const char *name)
{
    return !strpbrk(name, " \t\n\"'$#\\") && hpx_text_is_visible(name, strlen(name));
}

void hpx_starter_perceptron(hpx_buffer *text)
{
    hpx_buffer_puts(
        text, "\nmodel mlp\n"
              "  hidden = $n1 $n2 # the sizes of its hidden layers: two axes\n"
              "  # dropout = 0.1\n"
              "  # A convolutional network: `model cnn`, and with these a line such as `filters = 16 32`.\n"
              "\ntrain\n"
              "  rate = 0.001\n"
              "  epochs = 5\n"
              "  seeds = 1 # `seeds = 1..3` scores a cell by the mean over three trainings\n"
              "\naxis n1 = log2 32..256\n"
              "axis n2 = log2 32..256\n"
              "\n# Walks along an axis to its peak, then along the other one; 1: a line ends at "
              "the first cell that is no better.\n"
              "search cross\n"
              "  method = partial-cross\n"
              "  limit = 1\n");
}

/* Lays the recipe out, and makes sure that it is right. */
static hpx_status finish(hpx_starter *out, hpx_error *error)
{
    hpx_buffer neat = {0};
    hpx_recipe *recipe = NULL;
    hpx_status status = hpx_recipe_format(&neat, out->name, out->text.data, out->text.size, error);
    if (!status)
        status = hpx_recipe_parse(&recipe, out->name, neat.data, neat.size, NULL, NULL, error);
    hpx_recipe_free(recipe);
    hpx_buffer_free(&out->text);
    out->text = neat;
    return status;
}

hpx_status hpx_starter_make(hpx_starter *out, const char *folder, hpx_error *error)
{
    *out = (hpx_starter){0};
    if (!hpx_path_is_folder(folder))
        return hpx_error_set(error, HPX_USAGE, "%s: no such folder", folder);
    if (!hpx_starter_script(out, folder, true) && !hpx_starter_images(out, folder) &&
        !hpx_starter_script(out, folder, false)) {
        out->name = hpx_strdup("mnist.rcp");
        out->about = hpx_strdup("a recipe for MNIST, as there is no script and no image data");
        hpx_buffer_puts(&out->text, nothing);
        hpx_starter_perceptron(&out->text);
    }
    const hpx_status status = finish(out, error);
    if (status)
        hpx_starter_free(out);
    return status;
}

void hpx_starter_free(hpx_starter *starter)
{
    free(starter->name);
    free(starter->about);
    hpx_buffer_free(&starter->text);
}
