/* What `hpx help` prints and the manual pages say: the tables of commands, topics and options, and for each command and topic
 * a text, src/cli/help/NAME.txt. A text is plain, and shown as it is; tools/man.c makes a manual page of it:
 *
 *     HEADING                      a line in capitals
 *     lines at the margin          a paragraph
 *       term    what it means      two blanks before the term, two or more behind it; or the meaning stands below, further in
 *
 *         four blanks or more, behind an empty line: shown as it is
 *     `hpx build -n`               what is typed; words in capitals stand for others
 *     @commands, @options          what the tables say: all commands; the options of every command
 *     @recipe STATEMENT            what the recipe language has there (hpx_recipe_each_item) */
#ifndef HPX_CLI_HELP_H
#define HPX_CLI_HELP_H

#include "cli.h"

#include "hpx/recipe.h"

/* Borrowed, *size bytes of whole lines; none where there is no such text. */
const char *hpx_help_text(const char *name, size_t *size);

/* Whether a line is this word and nothing else. */
bool hpx_is_directive(const char *line, size_t length, const char *word);

/* Calls `each` for the items of a line "@recipe STATEMENT"; false: it is another line. */
bool hpx_language_items(const char *line, size_t length, hpx_recipe_item_fn *each, void *context);

#endif
