/* The usual layout of a recipe, made of its lines and words:
 *
 *     - a binding is indented by two blanks; one blank stands between words, and around '=';
 *     - one blank line parts statements, but axes and includes may follow each other without; no blank line follows the
 *       head of a statement, and nowhere are there two;
 *     - in lines without a blank one between them the '=' stand below each other, and so do the comments behind them,
 *       two blanks behind the longest;
 *     - a comment on a line of its own is indented as the binding that comes next;
 *     - a line that goes on does so at the same words, and goes on below its first value.
 *
 * What the words are does not change, nor do the comments: the layout is read again, and must say the same. */
#include "inside.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define INDENT       2
#define GO_ON        4  /* where a line goes on that has no column for it */
#define HEAD_COLUMNS 32 /* what is wider before its '=' is no measure for the lines around it */
#define LINE_COLUMNS 80 /* likewise before its comment */

enum kind { COMMENT, STATEMENT, BINDING };

/* A word behind '=', as it is written. */
struct piece {
    const char *text;
    bool broken; /* the line goes on with it */
};

/* A line that says something. */
struct row {
    enum kind kind;
    bool space;       /* a blank line stands before it */
    bool as_is;       /* laid out, it would be read in another way */
    const char *head; /* what stands before the '=', or all of it; "" of a comment */
    bool equals;
    struct piece *pieces;
    size_t count;
    const char *comment; /* with its '#', or "" */
    bool indented;       /* a comment: it was not in the first column */
    const char *keyword; /* of the statement that it is, or belongs to */
    hpx_buffer text;     /* laid out, without the comment */
};

struct rows {
    struct row *at;
    size_t count;
};

/* --- reading ---------------------------------------------------------------------------------------------- */

static const char *written(struct parse *p, const struct word *word)
{
    if (word->kind == WORD_QUOTED)
        return hpx_arena_format(p->arena, "\"%s\"", word->text);
    return word->kind == WORD_REFERENCE ? hpx_arena_format(p->arena, "$%s", word->text) : word->text;
}

static bool has_line_end(const struct line *line, size_t from, size_t to)
{
    return memchr(line->bytes + from, '\n', to - from) != NULL;
}

/* The words to the line's end as pieces, from where the cursor is. */
static void read_pieces(struct parse *p, struct cursor *at, bool of_program, struct row *out)
{
    struct word *words;
    size_t end = at->at;
    hpx_recipe_words(p, at, of_program, &words, &out->count);
    out->pieces = hpx_arena_alloc(p->arena, (out->count + 1) * sizeof *out->pieces);
    for (size_t i = 0; i < out->count; i++) {
        const size_t start = words[i].column - 1;
        out->pieces[i] = (struct piece){written(p, &words[i]), has_line_end(at->line, end, start)};
        end = start + strlen(out->pieces[i].text);
    }
}

/* NAME =, and what follows; the name may not be there. */
static void read_equals(struct parse *p, struct cursor *at, const char *before, bool of_program,
                        struct row *out)
{
    struct word name;
    hpx_recipe_more(at);
    hpx_recipe_key(p, at, &name);
    out->head = hpx_arena_format(p->arena, "%s%s", before, name.text);
    hpx_recipe_more(at);
    out->as_is = has_line_end(at->line, 0, at->at);
    at->at++;
    out->equals = true;
    read_pieces(p, at, of_program, out);
}

static void read_statement(struct parse *p, struct cursor *at, struct row *out)
{
    struct word keyword;
    hpx_recipe_key(p, at, &keyword);
    out->kind = STATEMENT;
    out->keyword = out->head = keyword.text;
    if (strcmp(keyword.text, "axis") == 0) {
        read_equals(p, at, "axis ", false, out);
        return;
    }
    read_pieces(p, at, false, out);
    for (size_t i = 0; i < out->count; i++) {
        out->head = hpx_arena_format(p->arena, "%s %s", out->head, out->pieces[i].text);
        out->as_is |= out->pieces[i].broken;
    }
    out->count = 0;
}

static size_t trimmed(const char *bytes, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", bytes[size - 1]))
        size--;
    return size;
}

/* Such a line would go on. */
static bool ends_in_backslash(const struct row *row)
{
    const char *last = *row->comment ? row->comment
                       : row->count  ? row->pieces[row->count - 1].text
                                     : row->head;
    return *last && last[strlen(last) - 1] == '\\';
}

/* `keyword`: of the statement before it. */
static void read_row(struct parse *p, const struct line *line, struct cursor at, const char *keyword,
                     struct row *out)
{
    const bool is_comment = line->bytes[at.at] == '#';
    *out = (struct row){.kind = is_comment ? COMMENT : BINDING,
                        .head = "",
                        .comment = "",
                        .indented = at.at > 0,
                        .keyword = keyword};
    if (!is_comment && at.at == 0)
        read_statement(p, &at, out);
    else if (!is_comment)
        read_equals(p, &at, "  ", strcmp(keyword, "program") == 0, out);
    const size_t size = trimmed(line->bytes, line->size);
    if (at.at < size)
        out->comment = hpx_arena_strndup(p->arena, line->bytes + at.at, size - at.at);
    out->as_is |= strchr(out->comment, '\n') || (!is_comment && ends_in_backslash(out));
    if (out->as_is)
        hpx_buffer_add(&out->text, line->bytes, line->size);
}

static struct rows read_rows(struct parse *p, const struct source *source)
{
    struct rows rows = {0};
    struct reader reader = {.source = source, .next = source->bytes};
    const char *keyword = "";
    bool space = false;
    if (source->size >= 3 && memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0)
        reader.next += 3; /* a byte order mark */
    for (struct line line; hpx_recipe_line(&reader, &line);) {
        struct line *kept = hpx_arena_alloc(p->arena, sizeof *kept);
        *kept = line;
        struct cursor at = {kept, 0};
        if (!hpx_recipe_more(&at) && at.at == line.size) {
            space = true;
            continue;
        }
        rows.at = hpx_recipe_room(p, rows.at, rows.count, sizeof *rows.at);
        struct row *row = &rows.at[rows.count++];
        read_row(p, kept, at, keyword, row);
        row->space = space;
        keyword = row->keyword;
        space = false;
    }
    return rows;
}

/* --- laying out ------------------------------------------------------------------------------------------- */

/* A comment between bindings is indented as they are; one before a statement, or behind all, stays where it was. */
static void indent_comments(const struct rows *rows)
{
    const struct row *next = NULL;
    for (size_t i = rows->count; i-- > 0;) {
        struct row *row = &rows->at[i];
        if (row->kind != COMMENT) {
            next = row;
            continue;
        }
        row->indented |= next && next->kind == BINDING;
        row->indented &= *row->keyword != 0; /* above all statements there is nothing that it may belong to */
        row->head = row->indented ? "  " : "";
    }
}

static bool has_no_bindings(const char *keyword)
{
    return strcmp(keyword, "axis") == 0 || strcmp(keyword, "include") == 0;
}

/* The comments right above a statement belong to it: where the blank line before it stands. */
static size_t first_of(const struct rows *rows, size_t statement)
{
    size_t first = statement;
    while (first > 0 && !rows->at[first].space && rows->at[first - 1].kind == COMMENT &&
           !rows->at[first - 1].indented)
        first--;
    return first;
}

static void space_rows(const struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct row *row = &rows->at[i];
        const struct row *before = i > 0 ? row - 1 : NULL;
        if (before && before->kind == STATEMENT && (row->kind == BINDING || row->indented))
            row->space = false;
        if (row->kind != STATEMENT)
            continue;
        const size_t first = first_of(rows, i);
        const char *last = first > 0 ? rows->at[first - 1].keyword : "";
        if (strcmp(last, row->keyword) != 0 || !has_no_bindings(last))
            rows->at[first].space = true;
    }
    if (rows->count > 0)
        rows->at[0].space = false;
}

/* The rows from `at` on that have no blank line between them. */
static struct rows block_at(const struct rows *rows, size_t at)
{
    size_t end = at + 1;
    while (end < rows->count && !rows->at[end].space)
        end++;
    return (struct rows){rows->at + at, end - at};
}

static size_t width(const char *text)
{
    return hpx_text_width(text, strlen(text));
}

static void pad(hpx_buffer *out, size_t from, size_t to)
{
    for (; from < to; from++)
        hpx_buffer_puts(out, " ");
}

/* Writes the words of a row whose block has its '=' in that column. */
static void write_words(struct row *row, size_t column)
{
    const size_t head = width(row->head), go_on = head > HEAD_COLUMNS ? GO_ON : column + 2;
    hpx_buffer *out = &row->text;
    hpx_buffer_puts(out, row->head);
    if (row->equals) {
        pad(out, head + 1, column);
        hpx_buffer_puts(out, " =");
    }
    for (size_t i = 0; i < row->count; i++) {
        hpx_buffer_puts(out, row->pieces[i].broken ? " \\\n" : " ");
        pad(out, 0, row->pieces[i].broken ? go_on : 0);
        hpx_buffer_puts(out, row->pieces[i].text);
    }
}

/* Columns of the last line of its text. */
static size_t end_of(struct row *row)
{
    const char *text = hpx_buffer_text(&row->text), *last = strrchr(text, '\n');
    return width(last ? last + 1 : text);
}

static void lay_out_block(hpx_buffer *out, struct rows block)
{
    size_t equals = 0, comments = 0;
    for (size_t i = 0; i < block.count; i++) {
        const size_t head = width(block.at[i].head);
        if (block.at[i].equals && !block.at[i].as_is && head <= HEAD_COLUMNS && head + 1 > equals)
            equals = head + 1;
    }
    for (size_t i = 0; i < block.count; i++) {
        struct row *row = &block.at[i];
        if (row->as_is)
            continue;
        write_words(row, equals);
        const size_t end = end_of(row);
        if (row->kind != COMMENT && *row->comment && end <= LINE_COLUMNS && end + 2 > comments)
            comments = end + 2;
    }
    for (size_t i = 0; i < block.count; i++) {
        struct row *row = &block.at[i];
        const size_t end = end_of(row);
        hpx_buffer_puts(out, hpx_buffer_text(&row->text));
        if (!row->as_is && *row->comment) {
            pad(out, end, row->kind == COMMENT ? end : comments > end + 2 ? comments : end + 2);
            hpx_buffer_puts(out, row->comment);
        }
        hpx_buffer_puts(out, "\n");
    }
}

static void lay_out(hpx_buffer *out, const struct rows *rows)
{
    indent_comments(rows);
    space_rows(rows);
    for (size_t i = 0; i < rows->count;) {
        const struct rows block = block_at(rows, i);
        if (rows->at[i].space)
            hpx_buffer_puts(out, "\n");
        lay_out_block(out, block);
        i += block.count;
    }
}

/* --- the same ---------------------------------------------------------------------------------------------- */

/* All that the rows say: their words and comments. */
static void write_sense(hpx_buffer *out, const struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->at[i];
        hpx_buffer_printf(out, "%d\n%s\n%d\n", row->kind, row->kind == COMMENT ? "" : row->head, row->equals);
        for (size_t k = 0; k < row->count; k++)
            hpx_buffer_printf(out, "%d %s\n", row->pieces[k].broken, row->pieces[k].text);
        hpx_buffer_printf(out, "%s\n", row->comment);
    }
}

static bool says_the_same(struct parse *p, const struct rows *rows, hpx_buffer *text)
{
    const struct source source = {.path = p->file->path, .bytes = hpx_buffer_text(text), .size = text->size};
    const struct rows again = read_rows(p, &source);
    hpx_buffer before = {0}, after = {0};
    write_sense(&before, rows);
    write_sense(&after, &again);
    const bool same = strcmp(hpx_buffer_text(&before), hpx_buffer_text(&after)) == 0;
    for (size_t i = 0; i < again.count; i++)
        hpx_buffer_free(&again.at[i].text);
    hpx_buffer_free(&before);
    hpx_buffer_free(&after);
    return same;
}

/* What a file includes does not matter to its layout. */
static hpx_status load_nothing(void *context, const char *path, hpx_buffer *out, hpx_error *error)
{
    (void)context;
    (void)path;
    (void)out;
    (void)error;
    return HPX_OK;
}

hpx_status hpx_recipe_format(hpx_buffer *out, const char *path, const void *bytes, size_t size,
                             hpx_error *error)
{
    const struct source given = {.path = path, .bytes = bytes, .size = size};
    struct parse p = {.load = load_nothing};
    struct rows rows = {0};
    hpx_buffer text = {0};
    hpx_status status = hpx_recipe_begin(&p, &given, error);
    if (status)
        return status;
    hpx_recipe_statements(&p);
    status = p.status;
    if (status) {
        hpx_recipe_tell(&p, error);
    } else {
        rows = read_rows(&p, p.file);
        lay_out(&text, &rows);
        if (text.size > RECIPE_BYTES_MAX)
            status = hpx_error_set(error, HPX_FAILED, "%s: laid out, it would be larger than %u bytes", path,
                                   RECIPE_BYTES_MAX);
        else if (!says_the_same(&p, &rows, &text))
            status = hpx_error_set(error, HPX_FAILED,
                                   "%s: laid out, it would say something else; it is left as it is", path);
        else
            hpx_buffer_add(out, text.data, text.size);
    }
    for (size_t i = 0; i < rows.count; i++)
        hpx_buffer_free(&rows.at[i].text);
    hpx_buffer_free(&text);
    hpx_recipe_free(p.recipe);
    return status;
}
