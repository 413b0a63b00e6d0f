/* What hpx report shows of the data and of the best cell's network, as far as they are there. */
#include "report_pictures.h"

#include "hpx/metrics.h"

/* The samples that the objective is of; of the training it is judged by what was held out. */
static void choose_samples(struct pictures *out, const hpx_objective *objective)
{
    const hpx_split *split = &out->images.split;
    const bool test = hpx_metric_is_of_test(objective->name) || split->validation.count == 0;
    out->shown.samples = test ? &split->test : &split->validation;
    out->shown.split = test ? "test" : "validation";
}

static hpx_status look(struct pictures *out, const hpx_recipe *recipe, const hpx_fields *manifest,
                       hpx_store *store, const hpx_hash *key, const char *data, hpx_error *error)
{
    hpx_error why;
    const hpx_status trained = hpx_trained_open(&out->trained, store, key, recipe->epochs, &why);
    const hpx_status images = hpx_stored_images_open(&out->images, manifest, store, data, error);
    if (!trained) {
        out->shown.network = &out->trained.network;
        out->shown.result = &out->trained.artifact;
    }
    if (!images)
        out->shown.images = &out->images;
    if (!images && trained)
        *error = why;
    if (images || trained)
        return images ? images : trained;
    choose_samples(out, &recipe->objective);
    hpx_confusion_count(&out->confusion, &out->trained.network, out->shown.samples);
    out->shown.confusion = &out->confusion;
    return HPX_OK;
}

static void add_layers(hpx_page *page, const hpx_recipe *recipe, const hpx_fields *manifest, hpx_store *store,
                       const hpx_hash *key)
{
    hpx_network_layer layers[HPX_NETWORK_LAYERS_MAX];
    hpx_fields dataset = {0};
    hpx_artifact artifact = {.epoch = 0};
    hpx_error none;
    if (hpx_store_find(&artifact, store, key, recipe->epochs, NULL, &none) == HPX_OK &&
        hpx_store_get_record(&dataset, store, HPX_RECORD_DATASET, &artifact.dataset, &none) == HPX_OK)
        hpx_page_set_layers(page, layers, hpx_network_layers(layers, manifest, &dataset));
    hpx_artifact_free(&artifact);
    hpx_fields_free(&dataset);
}

void hpx_add_pictures(struct pictures *out, hpx_page *page, const hpx_recipe *recipe, hpx_store *store,
                      const char *data)
{
    hpx_hash key;
    hpx_fields manifest = {0};
    *out = (struct pictures){.shown = {.images = NULL}};
    if (!recipe->trainer->inputs || !hpx_page_best(&key, page))
        return;
    hpx_status status = hpx_store_manifest(&manifest, store, &key, &out->why);
    if (!status) {
        add_layers(page, recipe, &manifest, store, &key);
        status = look(out, recipe, &manifest, store, &key, data, &out->why);
    }
    if (status)
        out->shown.missing = out->why.message;
    hpx_page_set_pictures(page, &out->shown);
    hpx_fields_free(&manifest);
}

void hpx_free_pictures(struct pictures *pictures)
{
    hpx_confusion_free(&pictures->confusion);
    hpx_trained_close(&pictures->trained);
    hpx_stored_images_close(&pictures->images);
}
