/* Words of the command line that amend a recipe as a file that includes it would: `epochs=3`, "axis.n1=16
 * 32". NAME alone where one statement has it, else STATEMENT.NAME. Here a word is a line of its own, so that
 * it is read, and its mistakes are told, as those of a file are. */
#include "inside.h"

#include "base/text.h"

#include <string.h>

/* What a NAME may stand for: a binding of a statement, or an axis. */
struct candidate {
    struct statement *statement; /* NULL: an axis */
    size_t axis;                 /* its place; axis_count: a new one */
    const char *owner;           /* "train", "search.p", "axis" */
};

struct candidates {
    struct candidate *at;
    size_t count;
};

static void add(struct parse *p, struct candidates *out, struct candidate candidate)
{
    out->at = hpx_recipe_room(p, out->at, out->count, sizeof *out->at);
    out->at[out->count++] = candidate;
}

/* `owner` NULL: none was named. */
static bool may_be(const char *owner, const char *name)
{
    return !owner || strcmp(owner, name) == 0;
}

/* A program takes the place of dataset and model. */
static bool has_section(const struct parse *p, enum section section)
{
    return section == SECTION_TRAIN || (section == SECTION_PROGRAM) == (p->program != NULL);
}

static void find_sections(struct parse *p, struct candidates *out, const char *owner, const char *name)
{
    struct statement **sections[] = {&p->dataset, &p->model, &p->program, &p->train};
    for (enum section i = 0; i < SECTIONS; i++) {
        const char *section = hpx_recipe_sections[i];
        if (!may_be(owner, section) || !has_section(p, i) ||
            (!owner && !hpx_word_is_in(hpx_recipe_known_keys(p, i), name)))
            continue;
        if (!*sections[i]) {
            *sections[i] = hpx_arena_alloc(p->arena, sizeof **sections[i]);
            (*sections[i])->keyword = (struct word){.text = section};
        }
        add(p, out, (struct candidate){.statement = *sections[i], .owner = section});
    }
}

static void find_axis(struct parse *p, struct candidates *out, const char *owner, const char *name)
{
    if (!may_be(owner, "axis"))
        return;
    size_t axis = 0;
    while (axis < p->axis_count && strcmp(p->axes[axis]->name.text, name) != 0)
        axis++;
    if (axis < p->axis_count || owner)
        add(p, out, (struct candidate){.axis = axis, .owner = "axis"});
}

/* A search is named as p or search.p. Unnamed, it is the one that states the binding, or the only one. */
static void find_searches(struct parse *p, struct candidates *out, const char *owner, const char *name)
{
    bool any = owner && strcmp(owner, "search") == 0;
    for (size_t i = 0; i < p->search_count; i++) {
        struct statement *search = p->searches[i];
        const char *full = hpx_arena_format(p->arena, "search.%s", search->name.text);
        bool named = owner && (strcmp(owner, search->name.text) == 0 || strcmp(owner, full) == 0);
        bool states = hpx_recipe_binding(search, name) != NULL || (any && p->search_count == 1);
        if (named || ((!owner || any) && states))
            add(p, out, (struct candidate){.statement = search, .owner = full});
    }
}

/* Where a setting is `rate = $rate`, the axis stands for both. */
static void join_axis(struct candidates *found, const char *name)
{
    if (found->count != 2 || !found->at[0].statement || found->at[1].statement)
        return;
    const struct binding *binding = hpx_recipe_binding(found->at[0].statement, name);
    if (binding && binding->count == 1 && binding->values[0].kind == WORD_REFERENCE &&
        strcmp(binding->values[0].text, name) == 0)
        found->at[0] = found->at[--found->count];
}

static hpx_status not_found(struct parse *p, const struct word *key, const char *owner, const char *name)
{
    const char **known = NULL;
    size_t count = 0;
    const char *const *keys;
    for (size_t i = 0; i <= SECTIONS + p->axis_count; i++) {
        const char *axis = i > SECTIONS ? p->axes[i - SECTIONS - 1]->name.text : NULL;
        keys = i < SECTIONS    ? hpx_recipe_known_keys(p, (enum section)i)
               : i == SECTIONS ? hpx_recipe_search_keys(p)
                               : (const char *const[]){axis, NULL};
        for (; *keys; keys++) {
            known = hpx_recipe_room(p, known, count, sizeof *known);
            known[count++] = *keys;
        }
    }
    known = hpx_recipe_room(p, known, count, sizeof *known);
    known[count] = NULL;
    if (owner)
        return hpx_recipe_fail(p, key, "unknown statement '%s': expected %s, train, axis, or a search",
                               hpx_recipe_show(p, owner), p->program ? "program" : "dataset, model");
    return hpx_recipe_fail(p, key, "no statement has '%s': expected a setting, or an axis%s",
                           hpx_recipe_show(p, name), hpx_recipe_hint(p, name, known));
}

static hpx_status ambiguous(struct parse *p, const struct word *key, const struct candidates *found,
                            const char *name)
{
    const char *list = "";
    for (size_t i = 0; i < found->count; i++)
        list = hpx_arena_format(p->arena, "%s%s%s.%s", list, i ? ", " : "", found->at[i].owner, name);
    return hpx_recipe_fail(p, key, "'%s' stands in more than one statement: expected one of %s", name, list);
}

static bool is_given(const struct word *word)
{
    return word->line && word->line->source->is_word;
}

static hpx_status amend_axis(struct parse *p, const struct candidate *to, const struct binding *given)
{
    struct statement *fresh = hpx_arena_alloc(p->arena, sizeof *fresh);
    *fresh = (struct statement){
        .keyword = given->key, .name = given->key, .values = given->values, .count = given->count};
    fresh->keyword.text = "axis";
    if (to->axis == p->axis_count)
        return hpx_recipe_add_axis(p, fresh);
    if (is_given(&p->axes[to->axis]->name))
        return hpx_recipe_fail(p, &given->key, "axis '%s' is given twice", given->key.text);
    p->axes[to->axis] = fresh;
    return HPX_OK;
}

static hpx_status amend_binding(struct parse *p, struct statement *to, const struct binding *given)
{
    for (size_t i = 0; i < to->binding_count; i++) {
        struct binding *old = &to->bindings[i];
        if (strcmp(old->key.text, given->key.text) != 0)
            continue;
        if (is_given(&old->key))
            return hpx_recipe_fail(p, &given->key, "'%s' is given twice", given->key.text);
        *old = *given;
        return HPX_OK;
    }
    to->bindings = hpx_recipe_room(p, to->bindings, to->binding_count, sizeof(struct binding));
    to->bindings[to->binding_count++] = *given;
    return HPX_OK;
}

/* Whether the word is left to the caller, for whom it names a cell. */
static bool is_left(const struct parse *p, const struct binding *given, const struct candidates *found)
{
    if (!p->words->cell || strchr(given->key.text, '.'))
        return false;
    bool axis = found->count == 0 || strcmp(given->key.text, "seed") == 0;
    for (size_t i = 0; i < found->count; i++)
        axis |= !found->at[i].statement;
    return axis;
}

/* NAME= of such a word. */
static hpx_status read_key(struct parse *p, const char *word, struct binding *out, struct cursor *at)
{
    const char *text = hpx_arena_strndup(p->arena, word, strlen(word));
    struct source *source = hpx_arena_alloc(p->arena, sizeof *source);
    struct line *line = hpx_arena_alloc(p->arena, sizeof *line);
    *source = (struct source){.path = "command line", .bytes = text, .size = strlen(text), .is_word = true};
    *line = (struct line){source, text, source->size, 1};
    if (p->source_count < RECIPE_FILES_MAX)
        p->sources[p->source_count++] = source;
    hpx_status status = hpx_recipe_check_text(p, source);
    *at = (struct cursor){line, 0};
    *out = (struct binding){.block = line};
    if (status)
        return status;
    hpx_recipe_key(p, at, &out->key);
    if (!*out->key.text || !hpx_recipe_more(at) || text[at->at] != '=')
        return hpx_recipe_fail_at(p, line, 1, "expected NAME=VALUE, to amend the recipe");
    at->at++;
    return HPX_OK;
}

/* Reads the values and puts the binding in its place. */
static hpx_status amend_candidate(struct parse *p, const struct candidate *to, struct binding *given,
                                  struct cursor *at)
{
    const bool written = to->statement && to->statement == p->program;
    hpx_status status = hpx_recipe_words(p, at, written, &given->values, &given->count);
    if (!status && given->count == 0)
        status = hpx_recipe_fail_at(p, at->line, at->at + 1, "'%s' has no value: expected NAME=VALUE",
                                    hpx_recipe_show(p, given->key.text));
    if (status)
        p->lost = true;
    else if (to->statement)
        status = amend_binding(p, to->statement, given);
    else
        status = amend_axis(p, to, given);
    return status;
}

/* Words that name one trial: an axis comes before any setting of its name, "seed" is the one seed. */
static void find_in_trial(struct parse *p, struct candidates *found, struct word *key)
{
    if (strcmp(key->text, "seed") == 0)
        key->text = "seeds";
    find_axis(p, found, NULL, key->text);
    if (found->count == 0)
        find_sections(p, found, NULL, key->text);
}

/* The one search of a recipe for one trial: `search trial`, `method = grid`. */
static void state_trial(struct parse *p)
{
    struct statement *search = hpx_arena_alloc(p->arena, sizeof *search);
    struct binding method;
    struct cursor at;
    if (read_key(p, "method=grid", &method, &at) ||
        hpx_recipe_words(p, &at, false, &method.values, &method.count))
        return;
    *search = (struct statement){.keyword = {.text = "search", .line = method.key.line},
                                 .name = {.text = "trial", .line = method.key.line}};
    amend_binding(p, search, &method);
    p->searches = hpx_recipe_room(p, NULL, 0, sizeof *p->searches);
    p->searches[0] = search;
    p->search_count = 1;
}

/* True: the word is left. */
static bool amend(struct parse *p, const char *text)
{
    struct binding given;
    struct candidates found = {0};
    struct cursor at;
    if (p->words->cell && !strchr(text, '='))
        return true;
    if (read_key(p, text, &given, &at)) {
        p->lost = true;
        return false;
    }
    struct word *key = &given.key;
    const char *dot = strrchr(key->text, '.'), *name = dot ? dot + 1 : key->text;
    const char *owner = dot ? hpx_arena_strndup(p->arena, key->text, (size_t)(dot - key->text)) : NULL;
    if (p->words->trial && !owner) {
        find_in_trial(p, &found, key);
        name = key->text;
    } else {
        find_sections(p, &found, owner, name);
        find_axis(p, &found, owner, name);
        find_searches(p, &found, owner, name);
        join_axis(&found, name);
    }
    if (is_left(p, &given, &found))
        return true;
    if (found.count == 0) {
        not_found(p, key, owner, name);
        p->lost = true;
    } else if (found.count > 1) {
        ambiguous(p, key, &found, name);
        p->lost = true;
    } else {
        if (dot)
            key->column += (uint32_t)(name - key->text);
        key->text = name;
        amend_candidate(p, found.at, &given, &at);
    }
    return false;
}

void hpx_recipe_amend(struct parse *p)
{
    hpx_recipe_amendments *words = p->words;
    size_t left = 0;
    for (size_t i = 0; words && i < words->count; i++)
        if (amend(p, words->words[i]))
            words->words[left++] = words->words[i];
    if (words && words->cell)
        words->count = left;
    if (words && words->trial)
        state_trial(p);
    struct hpx_recipe_inside *inside = p->recipe->inside;
    inside->statements[SECTION_DATASET] = p->dataset;
    inside->statements[SECTION_MODEL] = p->model;
    inside->statements[SECTION_PROGRAM] = p->program;
    inside->statements[SECTION_TRAIN] = p->train;
}
