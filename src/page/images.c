/* What the data looks like, and what the network of the best cell makes of it: sample images, the confusion matrix, and the
 * mistakes of which it is most sure. */
#include "inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 10,          /* of a class */
    SAMPLE_BYTES = 160000, /* of all */
    SAMPLE_HEIGHT = 40,
    SAMPLE_STEP = SAMPLE_HEIGHT + 8,
    MISTAKE_HEIGHT = 72,
    MISTAKE_STEP = MISTAKE_HEIGHT + 44,
    MISTAKES_IN_ROW = 6,
    CLASSES_MAX = 40, /* of a matrix that can be read */
};

static size_t image_bytes(const hpx_stored_images *images)
{
    return (size_t)images->height * images->width * images->channels;
}

/* A file of rows without columns says nothing of pictures. */
static bool are_pictures(const hpx_stored_images *images)
{
    return images->height > 1 && (images->channels == 1 || images->channels == 3);
}

static void put_absence(hpx_buffer *out, const char *what, const char *why)
{
    hpx_buffer_printf(out, "<p class=\"note\">%s: ", what);
    hpx_html_text(out, why);
    hpx_buffer_puts(out, ".</p>\n");
}

/* --- sample images ----------------------------------------------------------------------------------------------- */

/* The first training images of a class beside each other, at most so many; how many there are. */
static size_t join_images(uint8_t *strip, const hpx_stored_images *images, uint32_t class, size_t most)
{
    const hpx_samples *train = &images->split.train;
    const size_t row = (size_t)images->width * images->channels;
    size_t found = 0;
    for (uint32_t i = 0; i < train->count && found < most; i++) {
        if (train->labels[i] != class)
            continue;
        for (size_t y = 0; y < images->height; y++)
            memcpy(strip + (y * most + found) * row, train->pixels + i * image_bytes(images) + y * row, row);
        found++;
    }
    return found;
}

static void add_samples(hpx_page *page, const hpx_stored_images *images)
{
    struct figure *figure = hpx_page_add_figure(page, "samples", "Images of the data set");
    hpx_buffer *out = &figure->body;
    const uint32_t classes = images->split.shape.classes;
    const size_t room = SAMPLE_BYTES / image_bytes(images) / classes, most = room < 1         ? 1
                                                                             : room < SAMPLES ? room
                                                                                              : SAMPLES;
    const uint32_t shown = classes * most * image_bytes(images) > SAMPLE_BYTES
                               ? (uint32_t)(SAMPLE_BYTES / image_bytes(images)) + 1
                               : classes;
    const double wide = (double)most * images->width * SAMPLE_HEIGHT / images->height;
    uint8_t *strip = hpx_alloc(most * image_bytes(images));
    hpx_svg *svg = hpx_svg_new(wide + 2 * TOP, shown * SAMPLE_STEP + TOP, figure->heading,
                               "A row of training images for each class.");
    hpx_buffer_puts(out, "<ul class=\"strips\">\n");
    for (uint32_t class = 0; class < shown; class ++) {
        const struct picture picture = {strip, (uint32_t)most * images->width, images->height,
                                        images->channels};
        const double top = TOP / 2.0 + class * SAMPLE_STEP;
        memset(strip, 0, most * image_bytes(images));
        const size_t found = join_images(strip, images, class, most);
        char *words = hpx_format("%zu training images of class %u", found, class);
        char *name = hpx_format("%u", class);
        hpx_buffer_printf(out, "<li>%s ", name);
        hpx_svg_text(svg, TOP - 8, top + SAMPLE_HEIGHT / 2.0 + 4, HPX_SVG_END, name);
        hpx_figure_put_picture(figure, svg, TOP, top, &picture, SAMPLE_HEIGHT, words);
        hpx_buffer_puts(out, "</li>\n");
        free(name);
        free(words);
    }
    hpx_svg_finish(&figure->file, svg);
    hpx_buffer_puts(out, "</ul>\n");
    hpx_buffer_printf(&figure->caption, "The first %zu training images of each class%s, of %u by %u pixels.",
                      most, shown < classes ? " (the first classes only)" : "", images->width,
                      images->height);
    free(strip);
}

/* --- confusion matrix -------------------------------------------------------------------------------------------- */

static void put_matrix(hpx_svg *svg, const hpx_svg_plot *plot, const hpx_confusion *confusion)
{
    const size_t classes = confusion->classes;
    hpx_svg_heat_scale scale = {.dark = 0, .bright = 1};
    for (size_t i = 0; i < classes * classes; i++)
        if (i % (classes + 1) != 0) /* not on the diagonal */
            scale.bright = fmax(scale.bright, confusion->counts[i]);
    hpx_svg_axes(svg, plot);
    hpx_svg_open(svg, "heat", 0);
    for (size_t label = 0; label < classes; label++)
        for (size_t answer = 0; answer < classes; answer++) {
            const uint32_t count = confusion->counts[label * classes + answer];
            if (label != answer && count > 0)
                hpx_svg_heat_cell(svg, plot, answer, label, count, &scale);
        }
    hpx_svg_close(svg);
    for (size_t label = 0; label < classes; label++) {
        char text[16];
        snprintf(text, sizeof text, "%u", confusion->counts[label * (classes + 1)]);
        hpx_svg_frame(svg, plot, label, label);
        hpx_svg_text(svg, plot->left + ((double)label + 0.5) * plot->width / (double)classes,
                     plot->top + ((double)label + 0.5) * plot->height / (double)classes + 4, HPX_SVG_MIDDLE,
                     text);
    }
}

static void put_counts(struct figure *figure, const hpx_confusion *confusion, const char *const *names)
{
    const uint32_t classes = confusion->classes;
    struct sheet sheet;
    hpx_figure_open_sheet(&sheet, figure, classes);
    hpx_sheet_head(&sheet, "label", false);
    for (uint32_t answer = 0; answer < classes; answer++)
        hpx_sheet_head(&sheet, names[answer], true);
    for (uint32_t label = 0; label < classes; label++) {
        hpx_sheet_row(&sheet, NO_CELL);
        hpx_sheet_name(&sheet, names[label]);
        for (uint32_t answer = 0; answer < classes; answer++)
            hpx_sheet_count(&sheet, confusion->counts[label * classes + answer]);
    }
    hpx_sheet_close(&sheet);
}

/* Whose network it is. */
void hpx_page_put_whose(hpx_buffer *out, const hpx_page_pictures *pictures)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_buffer_printf(out, "The best cell’s network (seed %llu, after epoch %u, key <code>%.*s</code>)",
                      (unsigned long long)pictures->result->seed, pictures->result->epoch, KEY_DIGITS,
                      hpx_hash_hex(hex, &pictures->result->key));
}

static void add_confusion(hpx_page *page, const hpx_page_pictures *pictures)
{
    struct figure *figure = hpx_page_add_figure(page, "confusion", "Confusion matrix");
    const hpx_confusion *confusion = pictures->confusion;
    const uint32_t classes = confusion->classes;
    char names[CLASSES_MAX][8];
    const char *list[CLASSES_MAX];
    for (uint32_t i = 0; i < classes; i++) {
        snprintf(names[i], sizeof names[i], "%u", i);
        list[i] = names[i];
    }
    hpx_svg_plot plot = hpx_page_plot(0.8 * INNER, "answer", "label");
    plot.x = (hpx_svg_axis){.label = "answer", .names = list, .count = classes};
    plot.y = (hpx_svg_axis){.label = "label", .names = list, .count = classes};
    hpx_svg *svg = hpx_svg_new(WIDTH, plot.top + plot.height + 50, "Confusion matrix",
                               "A row for each label, a column for each answer, with the number of images.");
    put_matrix(svg, &plot, confusion);
    hpx_figure_add_view(figure, NULL, NULL, svg);
    put_counts(figure, confusion, list);
    hpx_page_put_whose(&figure->caption, pictures);
    hpx_buffer_printf(
        &figure->caption,
        " answers %u of %u %s images right (%.4f). The right answers are framed; the colour says how many "
        "wrong ones there are.",
        confusion->right, confusion->images, pictures->split, (double)confusion->right / confusion->images);
}

/* --- mistakes ---------------------------------------------------------------------------------------------------- */

/* Number `i` of them. */
static void put_mistake(struct figure *figure, hpx_svg *svg, const hpx_page_pictures *pictures, size_t i)
{
    const hpx_stored_images *images = pictures->images;
    const hpx_mistake *mistake = &pictures->confusion->mistakes[i];
    const struct picture picture = {pictures->samples->pixels + mistake->image * image_bytes(images),
                                    images->width, images->height, images->channels};
    const double left = TOP + MISTAKE_STEP * (double)(i % MISTAKES_IN_ROW),
                 top = TOP / 2.0 + MISTAKE_STEP * (double)(i / MISTAKES_IN_ROW);
    char *words = hpx_format("%s image %u", pictures->split, mistake->image);
    char *answer = hpx_format("%u, answer %u", mistake->label, mistake->answer);
    char *share = hpx_format("%.2f %%", 100 * (double)mistake->probability);
    hpx_buffer_puts(&figure->body, "<li>");
    hpx_figure_put_picture(figure, svg, left, top, &picture, MISTAKE_HEIGHT, words);
    hpx_svg_text(svg, left, top + MISTAKE_HEIGHT + 14, HPX_SVG_START, answer);
    hpx_svg_text(svg, left, top + MISTAKE_HEIGHT + 28, HPX_SVG_START, share);
    hpx_buffer_printf(&figure->body, "<span>%s<br/>%s</span></li>\n", answer, share);
    free(share);
    free(answer);
    free(words);
}

static void add_mistakes(hpx_page *page, const hpx_page_pictures *pictures)
{
    const hpx_confusion *confusion = pictures->confusion;
    struct figure *figure = hpx_page_add_figure(page, "mistakes", "The most confident mistakes");
    hpx_buffer *out = &figure->body;
    const size_t rows = (confusion->mistake_count + MISTAKES_IN_ROW - 1) / MISTAKES_IN_ROW;
    hpx_svg *svg = hpx_svg_new(MISTAKES_IN_ROW * MISTAKE_STEP + TOP, (double)rows * MISTAKE_STEP + TOP,
                               figure->heading, "Images with their labels, answers and probabilities.");
    hpx_buffer_puts(out, "<ul class=\"pictures\">\n");
    for (size_t i = 0; i < confusion->mistake_count; i++)
        put_mistake(figure, svg, pictures, i);
    hpx_svg_finish(&figure->file, svg);
    hpx_buffer_puts(out, "</ul>\n");
    hpx_page_put_whose(&figure->caption, pictures);
    hpx_buffer_printf(&figure->caption, " gives %u wrong answers; these %zu have the greatest probability.",
                      confusion->images - confusion->right, confusion->mistake_count);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void add_answers(hpx_buffer *notes, hpx_page *page)
{
    const hpx_page_pictures *pictures = page->pictures;
    const hpx_confusion *confusion = pictures->confusion;
    if (confusion->classes <= CLASSES_MAX)
        add_confusion(page, pictures);
    else
        put_absence(notes, "No confusion matrix", "there are more classes than can be read");
    if (confusion->mistake_count == 0)
        put_absence(notes, "No mistakes", "all answers are right");
    else if (are_pictures(pictures->images))
        add_mistakes(page, pictures);
}

void hpx_page_images(hpx_buffer *out, hpx_page *page)
{
    const hpx_page_pictures *pictures = page->pictures;
    const size_t from = page->figure_count;
    hpx_buffer notes = {0};
    if (!pictures)
        return;
    if (!pictures->images)
        put_absence(&notes, "No images of the data set are shown", pictures->missing);
    else if (are_pictures(pictures->images))
        add_samples(page, pictures->images);
    else
        put_absence(&notes, "No images of the data set are shown",
                    "its files do not say how they are pictures");
    if (pictures->confusion)
        add_answers(&notes, page);
    else
        put_absence(&notes, "No confusion matrix and no mistakes of the best cell are shown",
                    pictures->missing);
    hpx_buffer_puts(out, "<section id=\"images\"><h2>Data and mistakes</h2>\n");
    hpx_page_put_figures(out, page, from);
    hpx_buffer_puts(out, hpx_buffer_text(&notes));
    hpx_buffer_puts(out, "</section>\n");
    hpx_buffer_free(&notes);
}
