/* daemon/cli/cli.h - the command line: one table of commands (cli.c), one parser for all of them (cli_parse.c),
 * and what the commands share. Each command is one function in a cli_<name>.c that declares its options as rows,
 * calls cli_parse() and works. Everything here runs on the main thread and may block. */
#ifndef INSP_DAEMON_CLI_CLI_H
#define INSP_DAEMON_CLI_CLI_H

#include "core/base/error.h"
#include "core/image/transform.h"
#include "core/store/store.h"
#include "daemon/settings.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Exit codes of every command */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli_command {
    const char *name;     /* "train", "trunk import" */
    const char *synopsis; /* what follows the name */
    const char *summary;  /* one line, for the list of commands */
    const char *text;     /* paragraphs for --help, with examples */
    int (*run)(const struct cli_command *command, int argc, char **argv); /* argv without the name; exit code */
};
const struct cli_command *cli_commands(size_t *ret_count); /* static */

/* argv[0] is the program; -> exit code. */
int cli_main(int argc, char **argv);

enum cli_kind {
    CLI_FLAG,   /* bool *; no value */
    CLI_STRING, /* const char **; borrowed from argv */
    CLI_WHOLE,  /* unsigned long long *; min..max */
    CLI_REAL,   /* double *; min..max, finite */
};

struct cli_option {
    const char *name; /* without the dashes */
    enum cli_kind kind;
    void *target;
    double min, max;
    const char *value_name; /* NULL for flags */
    const char *help;
};

/* What cli_parse leaves: settings resolved, and the arguments that are no options. */
struct cli_call {
    const struct cli_command *command;
    struct daemon_settings settings;
    mode_t umask; /* the user's, for files that the user names; cli_prepare_state narrows the process's */
    int count;
    char **argument; /* borrowed from argv */
};

/* Parses options anywhere among the arguments (`--name value` or `--name=value`, `--` ends them), those of the
 * command and those of all commands (--config FILE, -o section.key=value, -h, --help), reads the configuration and
 * resolves it. min..max: how many arguments must be left. Returns true to go on; else *ret_exit is the exit code
 * and everything has been said (help on stdout, errors on stderr). */
bool cli_parse(struct cli_call *call, const struct cli_command *command, int argc, char **argv,
               const struct cli_option *options, size_t option_count, int min, int max, int *ret_exit);

/* "inspectd: train: detail" on stderr -> CLI_FAILED */
int cli_fail(const struct cli_command *command, const struct insp_error *error);
/* The same with a format and a pointer to --help -> CLI_USAGE */
int cli_usage(const struct cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For commands that write below the state folder: makes it where missing and, for root, goes on as the folder's
 * owner, so that a daemon that runs as another user can read what is written. */
int cli_prepare_state(const struct cli_call *call, struct insp_error *reterr);

/* After a change of models, thresholds or tokens: tells the daemon that serves this state folder to read them
 * again, or says on stderr how to. Silent where none runs. */
void cli_tell_daemon(const struct cli_call *call);

/* What records changes of models in the state folder's database, for insp_changer: NULL where that cannot be
 * opened, which is said on stderr; the change is made all the same. The caller's to close. */
struct insp_store *cli_open_audit(const struct cli_call *call);

/* Prints a JSON value and a newline on stdout and drops the reference -> exit code. NULL: out of memory. */
int cli_print_json(const struct cli_command *command, json_t *value);

/* `inspectd job`: the process that a daemon starts for a job (core/jobs/process/job_child.h). */
int cli_job(void);

int cli_serve(const struct cli_command *command, int argc, char **argv);
int cli_check_config(const struct cli_command *command, int argc, char **argv);
int cli_demo_data(const struct cli_command *command, int argc, char **argv);
int cli_train(const struct cli_command *command, int argc, char **argv);
int cli_cross_validate(const struct cli_command *command, int argc, char **argv);
int cli_evaluate(const struct cli_command *command, int argc, char **argv);
int cli_predict(const struct cli_command *command, int argc, char **argv);
int cli_trunk_import(const struct cli_command *command, int argc, char **argv);
int cli_trunk_bank(const struct cli_command *command, int argc, char **argv);
int cli_trunk_list(const struct cli_command *command, int argc, char **argv);
int cli_model_list(const struct cli_command *command, int argc, char **argv);
int cli_model_activate(const struct cli_command *command, int argc, char **argv);
int cli_model_rollback(const struct cli_command *command, int argc, char **argv);
int cli_token_add(const struct cli_command *command, int argc, char **argv);
int cli_token_list(const struct cli_command *command, int argc, char **argv);
int cli_token_revoke(const struct cli_command *command, int argc, char **argv);
int cli_version(const struct cli_command *command, int argc, char **argv);

#endif
