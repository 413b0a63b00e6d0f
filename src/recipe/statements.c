/* Words into statements. Each thing is stated once per file; a file that includes another may state it again
 * after the include to amend it. */
#include "inside.h"

#include <string.h>

static void read_source(struct parse *p, const struct source *source, size_t depth);

static bool is_plain(const struct word *word, const char *text)
{
    return word->kind == WORD_PLAIN && strcmp(word->text, text) == 0;
}

static hpx_status expect_end(struct parse *p, struct cursor *at, const char *usage)
{
    if (!hpx_recipe_more(at))
        return HPX_OK;
    struct word extra;
    hpx_status status = hpx_recipe_word(p, at, &extra);
    if (status)
        return status;
    return hpx_recipe_fail(p, &extra, "unexpected '%s': expected nothing after '%s'",
                           hpx_recipe_show(p, extra.text), usage);
}

static hpx_status expect_word(struct parse *p, struct cursor *at, struct word *out, const char *usage)
{
    if (!hpx_recipe_more(at))
        return hpx_recipe_fail_at(p, at->line, at->at + 1, "the line ends early: expected '%s'", usage);
    hpx_status status = hpx_recipe_word(p, at, out);
    if (status)
        return status;
    if (out->kind == WORD_REFERENCE)
        return hpx_recipe_fail(
            p, out,
            "'$%s' cannot stand here: '$' refers to an axis in a binding of dataset, model, program or train",
            hpx_recipe_show(p, out->text));
    if (!*out->text)
        return hpx_recipe_fail(p, out, "an empty word: expected '%s'", usage);
    return HPX_OK;
}

static hpx_status expect_equals(struct parse *p, struct cursor *at, const struct word *key, const char *more)
{
    if (hpx_recipe_more(at) && at->line->bytes[at->at] == '=') {
        at->at++;
        return HPX_OK;
    }
    return hpx_recipe_fail_at(p, at->line, at->at + 1, "expected '=' after '%s'%s",
                              hpx_recipe_show(p, key->text), more);
}

static bool includes(const struct source *file, const struct source *included)
{
    for (const struct source *s = included->includer; s; s = s->includer)
        if (s == file)
            return true;
    return false;
}

/* An amendment keeps what it does not replace: all bindings while the name stays; if a data set changes its
 * name, all but its files; if a model becomes another kind, none. */
static void inherit(struct parse *p, struct statement *fresh, const struct statement *old)
{
    fresh->bad |= old->bad;
    fresh->first = old->first;
    bool renamed = old->name.text && strcmp(old->name.text, fresh->name.text) != 0;
    for (size_t i = 0; i < old->binding_count; i++) {
        const char *key = old->bindings[i].key.text;
        bool is_file = strcmp(key, "train") == 0 || strcmp(key, "test") == 0;
        if (renamed && (is_file || fresh == p->model))
            continue;
        fresh->bindings = hpx_recipe_room(p, fresh->bindings, fresh->binding_count, sizeof(struct binding));
        fresh->bindings[fresh->binding_count++] = old->bindings[i];
    }
}

/* `name` is what the message calls it: "axis 'n1'". */
static hpx_status place_statement(struct parse *p, struct statement **place, struct statement *fresh,
                                  const char *name)
{
    const struct statement *old = *place;
    *place = fresh;
    if (!old || includes(fresh->keyword.line->source, old->keyword.line->source))
        return HPX_OK;
    const struct line *first = old->keyword.line;
    bool elsewhere = first->source != fresh->keyword.line->source;
    return hpx_recipe_fail(p, &fresh->keyword, "a second %s: the first is at %s:%u%s", name,
                           first->source->path, first->number,
                           elsewhere ? "; an include comes before what amends it" : "");
}

static hpx_status place_named(struct parse *p, struct statement ***list, size_t *count, size_t max,
                              struct statement *fresh)
{
    const char *name = hpx_arena_format(p->arena, "%s '%s'", fresh->keyword.text, fresh->name.text);
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*list)[i]->name.text, fresh->name.text) == 0)
            return place_statement(p, &(*list)[i], fresh, name);
    if (*count == max)
        return hpx_recipe_fail(p, &fresh->keyword, "too many '%s' statements: expected at most %zu",
                               fresh->keyword.text, max);
    *list = hpx_recipe_room(p, *list, *count, sizeof(struct statement *));
    (*list)[(*count)++] = fresh;
    return HPX_OK;
}

static hpx_status state_block(struct parse *p, struct cursor *at, struct statement **place,
                              struct statement *fresh, const char *usage)
{
    hpx_status status = HPX_OK;
    if (place != &p->train && place != &p->program)
        status = expect_word(p, at, &fresh->name, usage);
    if (status)
        return status;
    status = expect_end(p, at, usage);
    const struct statement *old = *place;
    hpx_status placed = place_statement(p, place, fresh, fresh->keyword.text);
    if (old)
        inherit(p, fresh, old);
    else
        fresh->first = at->line->source;
    return status ? status : placed;
}

static hpx_status state_dataset(struct parse *p, struct cursor *at, struct statement *fresh,
                                const char *usage)
{
    return state_block(p, at, &p->dataset, fresh, usage);
}

static hpx_status state_model(struct parse *p, struct cursor *at, struct statement *fresh, const char *usage)
{
    return state_block(p, at, &p->model, fresh, usage);
}

static hpx_status state_program(struct parse *p, struct cursor *at, struct statement *fresh,
                                const char *usage)
{
    return state_block(p, at, &p->program, fresh, usage);
}

static hpx_status state_train(struct parse *p, struct cursor *at, struct statement *fresh, const char *usage)
{
    return state_block(p, at, &p->train, fresh, usage);
}

/* An axis is a column of every table of results, so it cannot be called like another one; a metric gives way. */
static bool is_column(const char *name)
{
    return strcmp(name, "seed") == 0 || strcmp(name, "epoch") == 0;
}

hpx_status hpx_recipe_add_axis(struct parse *p, struct statement *fresh)
{
    if (!hpx_recipe_is_name(fresh->name.text, ""))
        return hpx_recipe_fail(p, &fresh->name,
                               "'%s' cannot name an axis: expected letters, digits, '-' and '_', at most %d",
                               hpx_recipe_show(p, fresh->name.text), RECIPE_NAME_MAX);
    if (is_column(fresh->name.text))
        return hpx_recipe_fail(p, &fresh->name,
                               "an axis cannot be called '%s': that is a column of every table of results",
                               fresh->name.text);
    return place_named(p, &p->axes, &p->axis_count, HPX_AXES_MAX, fresh);
}

static hpx_status state_axis(struct parse *p, struct cursor *at, struct statement *fresh, const char *usage)
{
    if (!hpx_recipe_more(at))
        return hpx_recipe_fail_at(p, at->line, at->at + 1, "the line ends early: expected '%s'", usage);
    hpx_recipe_key(p, at, &fresh->name);
    hpx_status status = hpx_recipe_add_axis(p, fresh);
    if (!status)
        status = expect_equals(p, at, &fresh->name, "");
    if (!status)
        status = hpx_recipe_words(p, at, false, &fresh->values, &fresh->count);
    if (!status && fresh->count == 0)
        status = hpx_recipe_fail_at(p, at->line, at->at + 1, "axis '%s' has no values: expected '%s'",
                                    fresh->name.text, usage);
    return status;
}

static hpx_status state_search(struct parse *p, struct cursor *at, struct statement *fresh, const char *usage)
{
    hpx_status status = expect_word(p, at, &fresh->name, usage);
    if (status)
        return status;
    if (!hpx_recipe_is_name(fresh->name.text, "."))
        return hpx_recipe_fail(
            p, &fresh->name,
            "'%s' cannot name a search: expected letters, digits, '-', '_' and '.', at most %d",
            hpx_recipe_show(p, fresh->name.text), RECIPE_NAME_MAX);
    status = expect_end(p, at, usage);
    if (!status)
        status = place_named(p, &p->searches, &p->search_count, RECIPE_SEARCHES_MAX, fresh);
    return status;
}

/* "./a" and "a" are one file. */
static const char *plain_path(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        for (path++; *path == '/';)
            path++;
    return path;
}

static hpx_status check_include(struct parse *p, const struct word *path, const char *joined, size_t depth)
{
    const char *chain = joined;
    for (const struct source *s = path->line->source; s; s = s->includer) {
        chain = hpx_arena_format(p->arena, "%s -> %s", s->path, chain);
        if (strcmp(plain_path(s->path), plain_path(joined)) == 0)
            return hpx_recipe_fail(p, path, "an include cycle: %s", chain);
    }
    for (size_t i = 0; i < p->source_count; i++)
        if (strcmp(plain_path(p->sources[i]->path), plain_path(joined)) == 0)
            return hpx_recipe_fail(p, path, "'%s' is included a second time: the first is at %s:%u",
                                   hpx_recipe_show(p, joined), p->sources[i]->includer->path,
                                   p->sources[i]->include_line);
    if (depth == RECIPE_DEPTH_MAX)
        return hpx_recipe_fail(p, path, "includes nested more than %d deep: %s", RECIPE_DEPTH_MAX, chain);
    if (p->source_count == RECIPE_FILES_MAX)
        return hpx_recipe_fail(p, path, "too many files: expected at most %d", RECIPE_FILES_MAX);
    return HPX_OK;
}

static hpx_status include(struct parse *p, struct cursor *at, size_t depth)
{
    struct word path;
    hpx_status status = expect_word(p, at, &path, "include PATH");
    if (!status)
        status = expect_end(p, at, "include PATH");
    if (status)
        return status;
    const char *joined = hpx_recipe_beside(p, path.line->source, path.text);
    status = check_include(p, &path, joined, depth);
    if (status)
        return status;
    if (!p->load)
        return hpx_recipe_fail(p, &path, "this recipe cannot include others: expected it to be whole");
    hpx_buffer bytes = {0};
    hpx_error error;
    status = p->load(p->context, joined, &bytes, &error);
    if (status) {
        hpx_recipe_fail(p, &path, "cannot include it: %s", error.message);
        p->partial = true;
        /* A file that is not there is a mistake in the recipe; one that cannot be read is not. */
        if (status != HPX_NOT_FOUND)
            p->status = status;
    } else {
        struct source *file = hpx_arena_alloc(p->arena, sizeof *file);
        *file = (struct source){
            .path = joined,
            .bytes = hpx_arena_strndup(p->arena, hpx_buffer_text(&bytes), bytes.size),
            .size = bytes.size,
            .includer = path.line->source,
            .include_line = path.line->number,
        };
        read_source(p, file, depth + 1);
    }
    hpx_buffer_free(&bytes);
    return status;
}

static const struct kind {
    const char *keyword, *usage;
    hpx_status (*state)(struct parse *p, struct cursor *at, struct statement *fresh, const char *usage);
    bool takes_bindings;
} kinds[] = {
    {"dataset", "dataset NAME", state_dataset, true},  {"model", "model KIND", state_model, true},
    {"program", "program", state_program, true},       {"train", "train", state_train, true},
    {"axis", "axis NAME = VALUES", state_axis, false}, {"search", "search NAME", state_search, true},
    {"include", "include PATH", NULL, false},
};

static const char *const keywords[] = {"dataset", "model",  "program", "train",
                                       "axis",    "search", "include", NULL};

static const struct kind *find_kind(const struct word *keyword)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (is_plain(keyword, kinds[i].keyword))
            return &kinds[i];
    return NULL;
}

/* A line that starts in the first column. *open becomes the statement that the indented lines below it belong
 * to. */
static hpx_status read_statement(struct parse *p, const struct line *at, struct statement **open,
                                 size_t depth)
{
    struct cursor cursor = {at, 0};
    struct statement *fresh = hpx_arena_alloc(p->arena, sizeof *fresh);
    hpx_recipe_key(p, &cursor, &fresh->keyword);
    const char *word = hpx_recipe_show(p, fresh->keyword.text);
    *open = fresh;
    const struct kind *kind = find_kind(&fresh->keyword);
    if (hpx_recipe_more(&cursor) && at->bytes[cursor.at] == '=')
        return hpx_recipe_fail(p, &fresh->keyword, "'%s =' in the first column: expected %s", word,
                               kind && kind->state != state_train
                                   ? hpx_arena_format(p->arena, "a statement, '%s'", kind->usage)
                                   : "a binding to be indented under its statement");
    if (!kind)
        return hpx_recipe_fail(p, &fresh->keyword, "unknown statement '%s': expected %s%s", word,
                               hpx_recipe_list(p, keywords),
                               hpx_recipe_hint(p, fresh->keyword.text, keywords));
    return kind->state ? kind->state(p, &cursor, fresh, kind->usage) : include(p, &cursor, depth);
}

static hpx_status read_binding(struct parse *p, const struct line *at, struct statement *open)
{
    struct cursor cursor = {at, 0};
    hpx_recipe_more(&cursor);
    struct binding fresh = {.block = open ? open->keyword.line : NULL};
    hpx_recipe_key(p, &cursor, &fresh.key);
    if (!open)
        return hpx_recipe_fail(
            p, &fresh.key,
            "an indented line under no statement: expected a statement, which starts in the first column");
    const struct kind *kind = find_kind(&open->keyword);
    if (!kind)
        return HPX_USAGE; /* as was said of the statement */
    if (!kind->takes_bindings)
        return hpx_recipe_fail(p, &fresh.key,
                               "an indented line under '%s': expected none, it takes no bindings",
                               open->keyword.text);
    if (!*fresh.key.text)
        return hpx_recipe_fail(p, &fresh.key, "nothing before '=': expected 'KEY = VALUE'");
    const char *more = find_kind(&fresh.key) && !is_plain(&fresh.key, "train")
                           ? "; a statement starts in the first column"
                           : "";
    hpx_status status = expect_equals(p, &cursor, &fresh.key, more);
    if (!status)
        status = hpx_recipe_words(p, &cursor, kind->state == state_program, &fresh.values, &fresh.count);
    if (status)
        return status;
    if (fresh.count == 0)
        return hpx_recipe_fail_at(p, at, cursor.at + 1, "'%s' has no value: expected 'KEY = VALUE'",
                                  hpx_recipe_show(p, fresh.key.text));
    for (size_t i = 0; i < open->binding_count; i++) {
        struct binding *old = &open->bindings[i];
        if (strcmp(old->key.text, fresh.key.text) != 0)
            continue;
        if (old->block == fresh.block)
            return hpx_recipe_fail(p, &fresh.key, "'%s' is set a second time: the first is at %s:%u",
                                   hpx_recipe_show(p, fresh.key.text), at->source->path,
                                   old->key.line->number);
        *old = fresh;
        return HPX_OK;
    }
    if (open->binding_count == RECIPE_BINDINGS_MAX)
        return hpx_recipe_fail(p, &fresh.key, "too many bindings under '%s': expected at most %d",
                               open->keyword.text, RECIPE_BINDINGS_MAX);
    open->bindings = hpx_recipe_room(p, open->bindings, open->binding_count, sizeof(struct binding));
    open->bindings[open->binding_count++] = fresh;
    return HPX_OK;
}

static void read_source(struct parse *p, const struct source *source, size_t depth)
{
    p->sources[p->source_count++] = source;
    if (hpx_recipe_check_text(p, source)) {
        p->lost = true;
        return;
    }
    struct reader reader = {.source = source, .next = source->bytes};
    if (source->size >= 3 && memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0)
        reader.next += 3; /* a byte order mark */
    struct statement *open = NULL;
    for (struct line here; hpx_recipe_line(&reader, &here);) {
        struct cursor first = {&here, 0};
        if (!hpx_recipe_more(&first))
            continue;
        struct line *kept = hpx_arena_alloc(p->arena, sizeof *kept);
        *kept = here;
        hpx_status status =
            first.at > 0 ? read_binding(p, kept, open) : read_statement(p, kept, &open, depth);
        if (status) {
            p->lost = true;
            if (open)
                open->bad = true;
        }
    }
}

void hpx_recipe_missing(struct parse *p, const char *keyword, const char *usage)
{
    const struct source *file = p->sources[0];
    const char *end = file->bytes + file->size, *start = end;
    uint32_t number = 1;
    while (start > file->bytes && start[-1] != '\n')
        start--;
    for (const char *c = file->bytes; c < end; c++)
        number += *c == '\n';
    struct line last = {file, start, (size_t)(end - start), number};
    hpx_recipe_fail_at(p, &last, last.size + 1, "the recipe has no '%s': expected a line '%s'", keyword,
                       usage);
}

const struct word *hpx_recipe_keyword(const struct parse *p, const struct statement *statement)
{
    if (statement && statement->keyword.line)
        return &statement->keyword;
    return p->program ? &p->program->keyword : &p->model->keyword;
}

void hpx_recipe_statements(struct parse *p)
{
    read_source(p, p->file, 0);
}
