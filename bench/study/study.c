/* study RECIPES TABLES DOCS: writes DOCS/STUDY.md, from RECIPES/STUDY.md.in, and DOCS/study/NAME.svg, from the tables. */
#include "study.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct study_table study_tables[TABLES] = {
    [VALIDATION_HE] = {"mnist-validation-he", "MNIST, validation split"},
    [PAPER_HE] = {"mnist-paper-he", "MNIST, the paper's split"},
    [PAPER_GLOROT] = {"mnist-paper-glorot", "MNIST, the paper's split, Glorot's weights"},
    [FASHION_HE] = {"fashion-validation-he", "Fashion-MNIST, validation split"},
    [MNIST_CNN] = {"mnist-cnn", "MNIST, convolutions"},
};

const char study_no_seeds[] = "no seeds yet";

struct study_values {
    struct value {
        char *name, *text;
        bool used;
    } * at;
    size_t count, capacity;
};

void study_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = hpx_vformat(format, args);
    va_end(args);
    fprintf(stderr, "study: %s\n", text);
    exit(1);
}

static struct value *find_value(const struct study *study, const char *name, size_t size)
{
    for (size_t i = 0; i < study->values->count; i++)
        if (strlen(study->values->at[i].name) == size && memcmp(study->values->at[i].name, name, size) == 0)
            return &study->values->at[i];
    return NULL;
}

static void add_value(struct study *study, const char *name, char *text)
{
    struct study_values *values = study->values;
    if (find_value(study, name, strlen(name)))
        study_die("two values '%s'", name);
    values->at = hpx_grow(values->at, &values->capacity, values->count + 1, sizeof *values->at);
    values->at[values->count++] = (struct value){hpx_strdup(name), text, false};
}

void study_put(struct study *study, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_value(study, name, hpx_vformat(format, args));
    va_end(args);
}

void study_take(struct study *study, const char *name, hpx_buffer *text)
{
    while (text->size > 0 && text->data[text->size - 1] == '\n')
        text->size--;
    if (text->size > 0)
        add_value(study, name, hpx_strdup(hpx_buffer_text(text)));
    hpx_buffer_free(text);
}

void study_answer(struct study *study, hpx_buffer *list, const struct lab *lab, const char *of,
                  const char *name, hpx_buffer *sentence)
{
    hpx_buffer_printf(list, "- %s%s%s: %s.\n", lab->table->title, of ? ", " : "", of ? of : "",
                      hpx_buffer_text(sentence));
    if (name && (lab->table == &study_tables[VALIDATION_HE] || lab->table == &study_tables[MNIST_CNN]))
        study_take(study, name, sentence);
    hpx_buffer_free(sentence);
}

static void write_file(const char *path, hpx_buffer *text)
{
    hpx_error error;
    if (hpx_file_write(path, text->data, text->size, &error))
        study_die("%s", error.message);
    hpx_buffer_free(text);
}

void study_figure(struct study *study, const char *name, hpx_svg *svg)
{
    hpx_buffer text = {0};
    char *path = hpx_format("%s/study/%s.svg", study->docs, name);
    hpx_svg_finish(&text, svg);
    write_file(path, &text);
    free(path);
}

void put_head(hpx_buffer *out, const struct lab *lab, const char *columns)
{
    hpx_buffer_printf(out, "**%s**, %zu %s:\n\n| %s |\n|---|", lab->table->title, lab->blocks,
                      hpx_plural(lab->blocks, "block", "blocks"), columns);
    for (const char *bar = columns; (bar = strchr(bar, '|')); bar++)
        hpx_buffer_puts(out, "---|");
    hpx_buffer_puts(out, "\n");
}

void study_note_in(hpx_svg *svg, const hpx_svg_plot *plot, const char *text)
{
    hpx_svg_text(svg, plot->left + plot->width / 2, plot->top + plot->height / 2, HPX_SVG_MIDDLE, text);
}

void study_empty_figure(struct study *study, const char *name, const char *title)
{
    hpx_svg *svg = hpx_svg_new(430, 60, title, study_no_seeds);
    hpx_svg_text(svg, 215, 34, HPX_SVG_MIDDLE, study_no_seeds);
    study_figure(study, name, svg);
}

/* The template with the values in it. What has no value has no seeds. */
static void write_document(struct study *study)
{
    hpx_buffer template = {0}, out = {0};
    hpx_error error;
    char *from = hpx_format("%s/STUDY.md.in", study->recipes), *to = hpx_format("%s/STUDY.md", study->docs);
    if (hpx_file_read(&template, from, 1 << 20, &error))
        study_die("%s", error.message);
    const char *at = hpx_buffer_text(&template);
    for (const char *open; (open = strchr(at, '@')); at = strchr(open + 1, '@') + 1) {
        const char *close = strchr(open + 1, '@');
        struct value *value = close ? find_value(study, open + 1, (size_t)(close - open) - 1) : NULL;
        if (!close)
            study_die("%s: no second @ behind %.40s", from, open);
        hpx_buffer_add(&out, at, (size_t)(open - at));
        hpx_buffer_puts(&out, value ? value->text : study_no_seeds);
        if (value)
            value->used = true;
    }
    hpx_buffer_puts(&out, at);
    for (size_t i = 0; i < study->values->count; i++)
        if (!study->values->at[i].used)
            study_die("%s: no place for the value '%s'", from, study->values->at[i].name);
    write_file(to, &out);
    hpx_buffer_free(&template);
    free(from);
    free(to);
}

static void free_values(struct study_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        free(values->at[i].name);
        free(values->at[i].text);
    }
    free(values->at);
}

int main(int argc, char **argv)
{
    static study_chapter_fn *const chapters[] = {study_data,     study_paper,       study_starts,
                                                 study_epochs,   study_methods,     study_parallel,
                                                 study_flattery, study_convolutions};
    if (argc != 4) {
        fputs("usage: study RECIPES TABLES DOCS\n", stderr);
        return 2;
    }
    struct study_values values = {0};
    struct study study = {.recipes = argv[1], .tables = argv[2], .docs = argv[3], .values = &values};
    hpx_error error;
    char *figures = hpx_format("%s/study", study.docs);
    if (hpx_make_directories(figures, &error))
        study_die("%s", error.message);
    free(figures);
    for (size_t i = 0; i < sizeof chapters / sizeof *chapters; i++)
        chapters[i](&study);
    write_document(&study);
    free_values(&values);
    return 0;
}
