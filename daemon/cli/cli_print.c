#include "daemon/cli/cli.h"

#include <stdio.h>

int cli_print_json(const struct cli_command *command, json_t *value) {
    struct insp_error error;
    int r = value ? json_dumpf(value, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) : -1;
    if (!value)
        insp_fail(&error, INSP_E_NOMEM, "no memory for the JSON text");
    else if (r < 0 || putchar('\n') == EOF || fflush(stdout) != 0)
        r = insp_fail(&error, INSP_E_IO, "cannot write to standard output");
    json_decref(value);
    return r < 0 ? cli_fail(command, &error) : CLI_OK;
}
