/* What the reports of builds, replays and plans share. */
#ifndef HPX_REPORT_OUTCOME_H
#define HPX_REPORT_OUTCOME_H

#include "parts.h"

/* "r.rcp: validation_accuracy over 66 cells (n1, n2), 15 epochs, 3 seeds", and an empty line. */
void hpx_report_heading(hpx_buffer *out, const hpx_outcome *outcome);

/* Opens the JSON document, with what its recipe, code, data and numerics are. */
void hpx_open_outcome(hpx_json *json, const hpx_outcome *outcome);

/* The axes of a recipe, its number of cells, and the sum of their multiplications. */
void hpx_add_grid(hpx_json *json, const hpx_recipe *recipe, uint64_t macs);

/* A count of multiplications; null of a trainer that counts none. */
void hpx_add_macs(hpx_row *row, const char *name, const hpx_recipe *recipe, uint64_t macs);
void hpx_add_macs_json(hpx_json *json, const char *name, const hpx_recipe *recipe, uint64_t macs);

/* A cell of the grid as an object, and as "(128, 64)": as text, free() it, or as a column shows that object. */
void hpx_add_grid_cell(hpx_row *row, const char *name, const hpx_recipe *recipe, uint32_t cell);
char *hpx_grid_cell_text(const hpx_recipe *recipe, uint32_t cell);
hpx_show_fn hpx_show_grid_cell;

/* Trials by verdict, and how many failed: an object. */
void hpx_add_counts(hpx_row *row, const char *name, const hpx_search_outcome *search);

#endif
