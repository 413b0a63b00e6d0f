/* hpx key: whose results from a shared store are believed. */
#include "cli.h"

#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

static int make(const struct options *options)
{
    hpx_signer signer;
    hpx_error error;
    hpx_buffer text = {0};
    char key[HPX_SIGNER_TEXT_BYTES];
    if (hpx_key_new(&signer, &error))
        return hpx_fail(&error);
    hpx_signer_text(key, &signer);
    char *path = hpx_path_of_user("key");
    if (!options->quiet)
        hpx_say("new key: %s; whoever is to believe what it signs runs: hpx key trust NAME %s", path, key);
    free(path);
    hpx_buffer_printf(&text, options->json ? "{\"schema\": 1, \"key\": \"%s\"}\n" : "%s\n", key);
    return hpx_print_result(&text);
}

static int trust(const struct options *options)
{
    const char *name = options->arguments[1];
    hpx_signer signer;
    hpx_error error;
    hpx_status status = hpx_signer_parse(&signer, options->arguments[2], &error);
    if (!status)
        status = hpx_key_trust(name, &signer, &error);
    if (status)
        return hpx_fail(&error);
    if (!options->quiet)
        hpx_say("what %s signs is believed from now on", name);
    return EXIT_DONE;
}

static hpx_status add_list(hpx_buffer *text, hpx_store *store, const struct options *options,
                           hpx_error *error)
{
    hpx_keys keys;
    hpx_signed_list stored = {0};
    hpx_status status = hpx_keys_read(&keys, error);
    if (!status && store)
        status = hpx_signed_read(&stored, store, error);
    if (!status && options->json)
        hpx_report_keys_json(text, &keys, &stored);
    else if (!status && keys.count + stored.count > 0)
        hpx_report_keys(text, &keys, &stored);
    hpx_signed_free(&stored);
    hpx_keys_free(&keys);
    return status;
}

static int list(const struct options *options)
{
    return hpx_print_from_store(options, add_list, hpx_print_result);
}

hpx_status hpx_find_signer(hpx_signer *out, const char *name, hpx_error *error)
{
    hpx_keys keys;
    if (hpx_signer_is_text(name))
        return hpx_signer_parse(out, name, error);
    hpx_status status = hpx_keys_read(&keys, error);
    const hpx_trusted *found = status ? NULL : hpx_keys_named(&keys, name);
    if (found)
        *out = found->signer;
    else if (!status)
        status = hpx_error_set(error, HPX_USAGE,
                               "no key of the name '%s' is trusted; `hpx key list` lists them", name);
    hpx_keys_free(&keys);
    return status;
}

/* The user's own is trusted without standing in the list. */
static hpx_status refuse_own(const hpx_signer *signer, const char *name, hpx_error *error)
{
    hpx_keys keys;
    hpx_status status = hpx_keys_read(&keys, error);
    if (!status && keys.can_sign && hpx_signer_equal(&keys.own, signer))
        status =
            hpx_error_set(error, HPX_USAGE, "%s: your own key is trusted as long as its file is there", name);
    hpx_keys_free(&keys);
    return status;
}

static hpx_status select_items(hpx_forget_list *out, hpx_store *store, const hpx_signer *signer,
                               hpx_error *error)
{
    hpx_signed_list stored;
    char key[HPX_SIGNER_TEXT_BYTES];
    hpx_status status = hpx_signed_read(&stored, store, error);
    const hpx_signed *of = hpx_signed_find(&stored, hpx_signer_text(key, signer));
    for (size_t i = 0; of && i < of->count && !status; i++)
        status = hpx_store_each(store, &of->keys[i], hpx_forget_add, out, error);
    hpx_signed_free(&stored);
    return status ? status : hpx_forget_prepare(out, store, error);
}

/* The trust goes first, so that nothing of the signer's comes while its results go. */
static int forget_all(const struct options *options, hpx_store *store, const hpx_signer *signer,
                      hpx_forget_list *list)
{
    hpx_error error;
    int code = hpx_show_going(options, list);
    const bool meant = hpx_is_meant_to_go(options, list);
    if (meant && hpx_key_distrust(signer, &error))
        return hpx_fail(&error);
    if (meant && !options->quiet)
        hpx_say("%s is not trusted", options->arguments[1]);
    const int forgot = hpx_forget_listed(options, store, list, meant);
    return forgot ? forgot : code;
}

static int forget(const struct options *options)
{
    char *folder = hpx_store_folder(options, ".");
    hpx_store *store = NULL;
    hpx_forget_list list = {0};
    hpx_signer signer;
    hpx_error error;
    hpx_catch_interrupts();
    hpx_status status = hpx_find_signer(&signer, options->arguments[1], &error);
    if (!status)
        status = refuse_own(&signer, options->arguments[1], &error);
    if (!status)
        status = hpx_open_existing(&store, options, folder, options->dry ? HPX_STORE_READ : HPX_STORE_WRITE,
                                   &error);
    if (!status && store)
        status = select_items(&list, store, &signer, &error);
    const int code = status ? hpx_fail(&error) : forget_all(options, store, &signer, &list);
    hpx_forget_list_free(&list);
    hpx_store_close(store);
    free(folder);
    return code;
}

static const struct verb {
    const char *name;
    size_t arguments; /* behind it */
    int (*run)(const struct options *options);
} verbs[] = {
    {"list", 0, list},
    {"new", 0, make},
    {"trust", 2, trust},
    {"forget", 1, forget},
};

int hpx_run_key(const struct options *options)
{
    const char *name = options->count > 0 ? options->arguments[0] : "list";
    for (const struct verb *verb = verbs; verb < verbs + sizeof verbs / sizeof *verbs; verb++)
        if (strcmp(verb->name, name) == 0 && options->count + (options->count == 0) == verb->arguments + 1)
            return verb->run(options);
    char *usage = hpx_usage_of(options->command);
    hpx_say("usage: %s", usage);
    free(usage);
    return EXIT_USAGE;
}
