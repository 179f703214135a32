/* Helpers of commands that write to the state folder while a daemon may be running. */
#include "core/base/fs.h"
#include "daemon/cli/cli.h"
#include "daemon/serve_config.h"
#include "daemon/state_lock.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int become(uid_t uid, gid_t gid, const char *folder, struct insp_error *reterr) {
    struct passwd *user = getpwuid(uid);
    int groups = user ? initgroups(user->pw_name, gid) : setgroups(0, NULL);
    if (groups < 0 || setgid(gid) < 0 || setuid(uid) < 0)
        return insp_fail_errno(reterr, errno, "cannot switch to user %u, the owner of %s", (unsigned)uid, folder);
    fprintf(stderr, "inspectd: continuing as %s, the owner of %s\n", user ? user->pw_name : "its owner", folder);
    return 0;
}

int cli_prepare_state(const struct cli_call *call, struct insp_error *reterr) {
    const char *folder = call->settings.storage_state_dir;
    struct stat st;
    umask(0077);
    int r = insp_mkdir_all(folder, 0700, reterr);
    if (r < 0)
        return r;
    if (stat(folder, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot read the status of %s", folder);
    if (geteuid() == 0 && st.st_uid != 0)
        return become(st.st_uid, st.st_gid, folder, reterr);
    if (access(folder, R_OK | W_OK | X_OK) < 0)
        return insp_fail_errno(reterr, errno, "cannot write to the state folder %s, which belongs to user %u",
                               folder, (unsigned)st.st_uid);
    return 0;
}

struct insp_store *cli_open_audit(const struct cli_call *call) {
    struct insp_store *store = NULL;
    struct insp_error error;
    if (insp_store_open(call->settings.storage_state_dir, daemon_durability(&call->settings), &store, &error) < 0)
        fprintf(stderr, "inspectd: %s: this change is not recorded: %s\n", call->command->name, error.detail);
    return store;
}

void cli_tell_daemon(const struct cli_call *call) {
    pid_t holder = daemon_state_holder(call->settings.storage_state_dir);
    if (holder == 0)
        return;
    if (holder > 0 && kill(holder, SIGHUP) == 0)
        fprintf(stderr, "inspectd: the running daemon (pid %d) is reading the change\n", (int)holder);
    else
        fprintf(stderr, "inspectd: a daemon may be serving this state folder; make it read the change with "
                        "`systemctl reload inspectd` or SIGHUP\n");
}
