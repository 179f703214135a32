#include "core/base/fs.h"
#include "daemon/state_lock.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static struct insp_error err;

static void make_folder(void) {
    strcpy(folder, "/tmp/inspectd-lock-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Runs `body` while another process holds the lock; that one lives until its pipe closes. */
static void with_holder(void (*body)(pid_t holder)) {
    int ready[2], stop[2], status;
    ck_assert(pipe(ready) == 0 && pipe(stop) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct daemon_state_lock lock;
        char c;
        close(stop[1]);
        if (daemon_state_lock(folder, &lock, &err) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        _exit(read(stop[0], &c, 1) == 0 ? 0 : 1);
    }
    char c;
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    body(child);
    close(stop[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

static void refused(pid_t holder) {
    struct daemon_state_lock lock = {-1, -1};
    char pid[32];
    snprintf(pid, sizeof pid, "pid %d", (int)holder);
    ck_insp_code(daemon_state_lock(folder, &lock, &err), INSP_E_CONFLICT, err);
    ck_assert_msg(strstr(err.detail, pid) != NULL, "%s does not name %s", err.detail, pid);
    ck_assert(lock.folder_fd == -1 && lock.file_fd == -1);
    ck_assert_int_eq(daemon_state_holder(folder), holder);
}

START_TEST(test_one_daemon_per_folder) {
    struct daemon_state_lock lock;
    make_folder();
    with_holder(refused);
    ck_assert_int_eq(daemon_state_holder(folder), 0); /* the lock died with its process */
    ck_insp_ok(daemon_state_lock(folder, &lock, &err), err);
    daemon_state_unlock(&lock);
    ck_insp_ok(insp_remove_tree(folder, &err), err);
}
END_TEST

static void refused_without_file(pid_t holder) {
    struct daemon_state_lock lock;
    char path[96];
    (void)holder;
    snprintf(path, sizeof path, "%s/lock", folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_insp_code(daemon_state_lock(folder, &lock, &err), INSP_E_CONFLICT, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "another inspectd"));
    ck_assert_int_eq(daemon_state_holder(folder), -1);
}

/* The attack: rm lock, then a second daemon. */
START_TEST(test_a_lock_file_that_is_removed_lets_nobody_in) {
    struct daemon_state_lock lock;
    make_folder();
    with_holder(refused_without_file);
    ck_insp_ok(daemon_state_lock(folder, &lock, &err), err);
    daemon_state_unlock(&lock);
    ck_insp_ok(insp_remove_tree(folder, &err), err);
}
END_TEST

START_TEST(test_the_folder_is_made) {
    char below[96];
    struct daemon_state_lock lock;
    make_folder();
    snprintf(below, sizeof below, "%s/a/b", folder);
    ck_assert_int_eq(daemon_state_holder(below), 0);
    ck_insp_ok(daemon_state_lock(below, &lock, &err), err);
    daemon_state_unlock(&lock);
    ck_insp_ok(insp_remove_tree(folder, &err), err);
}
END_TEST

START_TEST(test_no_permission) {
    struct daemon_state_lock lock;
    make_folder();
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    else
        ck_assert_int_eq(chmod(folder, 0500), 0);
    ck_insp_code(daemon_state_lock(folder, &lock, &err), INSP_E_PERMISSION, err);
    ck_assert_ptr_nonnull(strstr(err.detail, folder));
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    rmdir(folder);
}
END_TEST

INSP_TESTS(test_one_daemon_per_folder, test_a_lock_file_that_is_removed_lets_nobody_in, test_the_folder_is_made,
           test_no_permission);
