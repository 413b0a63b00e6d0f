#include "ignore.h"

#include "git.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

struct code_rules {
    git_repository *repository;
    git_index *index;
    bool index_asked;
    char *index_path, *warning;
    code_witness_fn *witness;
    void *context;
};

static void tell(const code_rules *rules, const char *folder, const char *name)
{
    char *path = folder ? hpx_path_join(folder, name) : NULL;
    if (path)
        rules->witness(rules->context, path);
    free(path);
}

/* Where git looks for settings and rules beside the work tree's own .gitignore files. */
static void tell_all(const code_rules *rules)
{
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    const char *common = hpx_git.repository_commondir(rules->repository);
    char *own = config && *config ? hpx_strdup(config) : home ? hpx_path_join(home, ".config") : NULL;
    git_config *settings = NULL;
    git_buf excludes = {0};
    tell(rules, common, "info/exclude");
    tell(rules, common, "config");
    tell(rules, hpx_git.repository_path(rules->repository), "config.worktree");
    tell(rules, home, ".gitconfig");
    tell(rules, own, "git/config");
    tell(rules, own, "git/ignore");
    tell(rules, "/etc", "gitconfig");
    if (hpx_git.repository_config_snapshot(&settings, rules->repository) == 0 &&
        hpx_git.config_get_path(&excludes, settings, "core.excludesfile") == 0)
        rules->witness(rules->context, excludes.ptr);
    hpx_git.buf_dispose(&excludes);
    hpx_git.config_free(settings);
    free(own);
}

hpx_status hpx_code_rules_open(code_rules **out, const char *root, code_witness_fn *witness, void *context,
                               hpx_error *error)
{
    code_rules *rules = hpx_alloc(sizeof *rules);
    rules->witness = witness;
    rules->context = context;
    *out = rules;
    hpx_status status = hpx_code_work_tree_open(&rules->repository, root, error);
    if (status) {
        free(rules);
        *out = NULL;
        return status;
    }
    const char *own = hpx_git.repository_path(rules->repository);
    rules->index_path = own ? hpx_path_join(own, "index") : hpx_path_join(root, ".git/index");
    tell_all(rules);
    return HPX_OK;
}

void hpx_code_rules_free(code_rules *rules)
{
    if (!rules)
        return;
    hpx_git.index_free(rules->index);
    hpx_git.repository_free(rules->repository);
    free(rules->index_path);
    free(rules->warning);
    free(rules);
}

static void open_index(code_rules *rules)
{
    hpx_error error;
    rules->index_asked = true;
    rules->witness(rules->context, rules->index_path);
    if (hpx_git.index_open(&rules->index, rules->index_path) == 0)
        return;
    hpx_code_git_failed(rules->index_path, &error);
    rules->warning = hpx_format("%s; files that git ignores are taken for untracked", error.message);
    rules->index = NULL;
}

static bool is_tracked(code_rules *rules, const char *path, bool folder)
{
    if (!rules->index_asked)
        open_index(rules);
    if (!rules->index)
        return false;
    if (!folder)
        return hpx_git.index_get_bypath(rules->index, path, 0) != NULL;
    char *prefix = hpx_format("%s/", path);
    const bool found = hpx_git.index_find_prefix(NULL, rules->index, prefix) == 0;
    free(prefix);
    return found;
}

bool hpx_code_rules_take(code_rules *rules, const char *path, bool folder)
{
    int ignored = 0;
    char *asked = folder ? hpx_format("%s/", path) : hpx_strdup(path);
    hpx_git.ignore_path_is_ignored(&ignored, rules->repository, asked);
    free(asked);
    return !ignored || is_tracked(rules, path, folder);
}

const char *hpx_code_rules_warning(const code_rules *rules)
{
    return rules->warning;
}
