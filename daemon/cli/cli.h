/* daemon/cli/cli.h - runs the command line: a table of commands (cli.c), a parser (cli_parse.c), and helpers. Each
 * command is a function in a cli_<name>.c that declares its options as rows, calls cli_parse() and does its work.
 * All functions run on the main thread and may block. */
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

/* Exit codes of all commands. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli_command {
    const char *name;     /* "train", "trunk import" */
    const char *synopsis; /* the arguments after the name */
    const char *summary;  /* one line for the list of commands */
    const char *text; /* paragraphs for --help; they start with what the command does and end with an example */
    int (*run)(const struct cli_command *command, int argc, char **argv); /* argv without the name; exit code */
};
/* Returns the commands [*ret_count], static. */
const struct cli_command *cli_commands(size_t *ret_count);

/* Runs the command that argv names and returns the exit code. argv[0] is the program. */
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

/* A parsed command line: resolved settings, and the arguments that are not options. */
struct cli_call {
    const struct cli_command *command;
    struct daemon_settings settings;
    mode_t umask; /* of the user, for files that the user names; cli_prepare_state narrows the process's umask */
    int count;
    char **argument; /* borrowed from argv */
};

/* Parses the options of the command and of all commands (--config FILE, -o section.key=value, -h, --help), then
 * reads and resolves the configuration. Options may be anywhere, as `--name value` or `--name=value`; `--` ends
 * them.
 *   min, max  allowed number of arguments that are not options
 * Returns true if the command shall run. Otherwise help (stdout) or an error (stderr) has been printed, and
 * *ret_exit is the exit code. */
bool cli_parse(struct cli_call *call, const struct cli_command *command, int argc, char **argv,
               const struct cli_option *options, size_t option_count, int min, int max, int *ret_exit);

/* Prints "inspectd: train: detail" on stderr and returns CLI_FAILED. */
int cli_fail(const struct cli_command *command, const struct insp_error *error);
/* Prints a message and the usage on stderr and returns CLI_USAGE. */
int cli_usage(const struct cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prepares the state folder for a command that writes to it: creates it if it is missing and, if run by root,
 * switches to the folder's owner, so that a daemon of that user can read the files. Fails with errno codes. */
int cli_prepare_state(const struct cli_call *call, struct insp_error *reterr);

/* Sends SIGHUP to the daemon that serves this state folder, so that it reads models and tokens again, or prints on
 * stderr how to do that. Does nothing if no daemon runs. */
void cli_tell_daemon(const struct cli_call *call);

/* Opens the state folder's database, in which insp_changer records changes of models. The caller closes it.
 * Returns NULL and prints a warning on stderr if it cannot be opened; the change is then made without a record. */
struct insp_store *cli_open_audit(const struct cli_call *call);

/* Prints a JSON value and a newline on stdout, drops the reference and returns the exit code. NULL is reported as
 * lack of memory. */
int cli_print_json(const struct cli_command *command, json_t *value);

/* Runs `inspectd job`, the process that the daemon starts for a job (core/jobs/process/job_child.h). */
int cli_job(void);

int cli_serve(const struct cli_command *command, int argc, char **argv);
int cli_check_config(const struct cli_command *command, int argc, char **argv);
int cli_demo_data(const struct cli_command *command, int argc, char **argv);
int cli_train(const struct cli_command *command, int argc, char **argv);
int cli_cross_validate(const struct cli_command *command, int argc, char **argv);
int cli_evaluate(const struct cli_command *command, int argc, char **argv);
int cli_predict(const struct cli_command *command, int argc, char **argv);
int cli_trunk_fetch(const struct cli_command *command, int argc, char **argv);
int cli_trunk_import(const struct cli_command *command, int argc, char **argv);
int cli_trunk_bank(const struct cli_command *command, int argc, char **argv);
int cli_trunk_list(const struct cli_command *command, int argc, char **argv);
int cli_model_list(const struct cli_command *command, int argc, char **argv);
int cli_model_activate(const struct cli_command *command, int argc, char **argv);
int cli_model_rollback(const struct cli_command *command, int argc, char **argv);
int cli_model_shadow(const struct cli_command *command, int argc, char **argv);
int cli_grab(const struct cli_command *command, int argc, char **argv);
int cli_token_add(const struct cli_command *command, int argc, char **argv);
int cli_token_list(const struct cli_command *command, int argc, char **argv);
int cli_token_revoke(const struct cli_command *command, int argc, char **argv);
int cli_version(const struct cli_command *command, int argc, char **argv);

#endif
