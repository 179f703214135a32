/* Fetches the recommended trunk: downloads, verifies, converts without executing the file, installs. */
#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/base/sha256.h"
#include "core/model/bundle.h"
#include "core/model/pth/pth.h"
#include "core/model/registry.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/cli_download.h"
#include "daemon/cli/cli_progress.h"
#include "daemon/cli/cli_trunk_install.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* torchvision's VGG16 with ImageNet weights, as published, pinned by the hash of its 553,433,881 bytes. */
static const struct published {
    const char *url, *sha256;
} published = {"https://download.pytorch.org/models/vgg16-397923af.pth",
               "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"};

enum { BYTES_MAX = 1 << 30 };

struct fetch {
    struct cli_call call;
    struct cli_progress progress;
    const char *url, *file, *sha256;
};

/* Checks the hash of a file; on a mismatch names both hashes. */
static int verify(const struct fetch *fetch, const char *path, struct insp_error *reterr) {
    char sha256[INSP_SHA256_HEX_BYTES];
    int r = insp_sha256_file(path, sha256, reterr);
    if (r < 0)
        return r;
    if (strcmp(sha256, fetch->sha256) != 0)
        return insp_fail(
            reterr, INSP_E_MODEL,
            "%s has the SHA-256 %s, expected is %s: nothing is installed. A proxy or a broken transfer "
            "may have changed it",
            path, sha256, fetch->sha256);
    return 0;
}

static int install(const struct fetch *fetch, const char *path, struct insp_error *reterr) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    int r = insp_pth_read_trunk(path, &arrays, reterr);
    return r < 0 ? r
                 : cli_trunk_install(fetch->call.settings.storage_state_dir, arrays, " --input imagenet", reterr);
}

/* Installs a verified download. After a failure that has nothing to do with it, such as a full disk, it stays: the
 * next attempt needs no transfer. */
static int install_part(const struct fetch *fetch, const char *part, struct insp_error *reterr) {
    int r = install(fetch, part, reterr);
    if (r == 0 || r == INSP_E_MODEL)
        unlink(part);
    return r;
}

/* Downloads to <state>/cache/<hash>.part, which a next attempt continues, and which goes once it is installed or
 * is found to be another file. */
static int download(struct fetch *fetch, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], part[INSP_PATH_BYTES];
    int r = insp_path(folder, reterr, "%s/cache", fetch->call.settings.storage_state_dir);
    if (r == 0)
        r = insp_path(part, reterr, "%s/%s.part", folder, fetch->sha256);
    if (r == 0)
        r = insp_mkdir_all(folder, 0700, reterr);
    if (r < 0)
        return r;
    if (access(part, F_OK) == 0 && verify(fetch, part, reterr) == 0) /* whole, but not installed: a full disk */
        return install_part(fetch, part, reterr);
    fprintf(stderr, "fetching %s\n", fetch->url);
    cli_progress_start(&fetch->progress, stderr);
    const struct insp_progress progress = cli_progress_hooks(&fetch->progress);
    insp_progress_stage(&progress, "download");
    r = cli_download(fetch->url, part, BYTES_MAX, &progress, reterr);
    cli_progress_end(&fetch->progress);
    if (r < 0)
        return r;
    r = verify(fetch, part, reterr);
    if (r == INSP_E_MODEL)
        unlink(part);
    return r < 0 ? r : install_part(fetch, part, reterr);
}

static int from_file(const struct fetch *fetch, struct insp_error *reterr) {
    int r = verify(fetch, fetch->file, reterr);
    return r < 0 ? r : install(fetch, fetch->file, reterr);
}

int cli_trunk_fetch(const struct cli_command *command, int argc, char **argv) {
    struct fetch fetch = {.url = published.url, .sha256 = published.sha256};
    struct insp_error error = {0};
    int code;
    const struct cli_option options[] = {
        {"url", CLI_STRING, &fetch.url, 0, 0, "URL", "a mirror of the file (http or https)"},
        {"file", CLI_STRING, &fetch.file, 0, 0, "FILE",
         "a copy of the file, carried by hand, instead of a download"},
        {"sha256", CLI_STRING, &fetch.sha256, 0, 0, "HEX",
         "expected hash (default: that of torchvision's vgg16-397923af.pth)"},
    };
    if (!cli_parse(&fetch.call, command, argc, argv, options, INSP_COUNT(options), 0, 0, &code))
        return code;
    if (!insp_sha256_hex_valid(fetch.sha256))
        return cli_usage(command, "--sha256 must be 64 hexadecimal digits in lower case");
    if (cli_prepare_state(&fetch.call, &error) < 0 ||
        (fetch.file ? from_file(&fetch, &error) : download(&fetch, &error)) < 0)
        return cli_fail(command, &error);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}
