/* core/model/bundle_sweep.c - remove what a crash left of bundles that were being written. */
#include "core/base/fs.h"
#include "core/model/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Recognises the temporaries of this file and of registry.c, and those of insp_write_file: "<name>.XXXXXX"
 * beside a file of a bundle. Everything else stays, such as a folder that an administrator put here. */
static bool is_temporary(const char *name) {
    static const char *const target[] = {INSP_MANIFEST_FILE, INSP_ACTIVE_FILE, INSP_DEFAULT_TRUNK_FILE};
    if (strncmp(name, INSP_TEMPORARY_PREFIX, strlen(INSP_TEMPORARY_PREFIX)) == 0)
        return true;
    for (size_t i = 0; i < INSP_COUNT(target); i++) {
        size_t n = strlen(target[i]);
        if (strncmp(name, target[i], n) == 0 && name[n] == '.' && strlen(name) == n + 7)
            return true;
    }
    return false;
}

/* Sweeps a folder and, down to `levels` below it, its subfolders. */
static int sweep_folder(const char *folder, int levels, struct insp_error *reterr) {
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot list %s", folder);
    int r = 0;
    for (const struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        char path[INSP_PATH_BYTES];
        struct stat st;
        r = insp_path(path, reterr, "%s/%s", folder, entry->d_name);
        if (r < 0)
            break;
        if (is_temporary(entry->d_name))
            r = insp_remove_tree(path, reterr);
        else if (levels > 0 && entry->d_name[0] != '.' && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            r = sweep_folder(path, levels - 1, reterr);
    }
    closedir(dir);
    return r;
}

int insp_bundle_sweep_of(const char *state_dir, const char *product, pid_t pid, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], path[INSP_PATH_BYTES], prefix[32];
    snprintf(prefix, sizeof prefix, INSP_TEMPORARY_OF_PROCESS, (int)pid);
    int r = insp_path(folder, reterr, "%s/models/%s", state_dir, product);
    if (r < 0)
        return r;
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot list %s", folder);
    for (const struct dirent *entry; r == 0 && (entry = readdir(dir));)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            (r = insp_path(path, reterr, "%s/%s", folder, entry->d_name)) == 0)
            r = insp_remove_tree(path, reterr);
    closedir(dir);
    rmdir(folder); /* removes it only if this would have been the product's first bundle */
    return r;
}

int insp_bundle_sweep(const char *state_dir, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r;
    if ((r = insp_path(folder, reterr, "%s/models", state_dir)) < 0 || (r = sweep_folder(folder, 2, reterr)) < 0 ||
        (r = insp_path(folder, reterr, "%s/trunks", state_dir)) < 0)
        return r;
    return sweep_folder(folder, 0, reterr);
}
