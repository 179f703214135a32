#include "api/access/tokens.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "daemon/cli/cli.h"

#include <stdio.h>

int cli_token_add(const struct cli_command *command, int argc, char **argv) {
    char secret[API_TOKEN_SECRET_BYTES];
    struct insp_error error = {0};
    struct cli_call call;
    enum api_role role;
    int code;
    if (!cli_parse(&call, command, argc, argv, NULL, 0, 2, 2, &code))
        return code;
    if (!api_role_parse(call.argument[1], &role))
        return cli_usage(command, "\"%.64s\" is not a role; it must be camera, viewer, operator or admin",
                         call.argument[1]);
    if (cli_prepare_state(&call, &error) < 0 ||
        api_tokens_add(call.settings.storage_state_dir, call.argument[0], role, secret, &error) < 0)
        return cli_fail(command, &error);
    printf("%s\n", secret);
    fprintf(stderr,
            "The secret of %s is shown only once. Clients send it in the field\n"
            "    Authorization: Bearer <secret>\n",
            call.argument[0]);
    cli_tell_daemon(&call);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

static json_t *tokens_json(const struct api_tokens *tokens) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < tokens->count; i++) {
        char created[INSP_RFC3339_BYTES];
        insp_rfc3339(tokens->token[i].created_us, created);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", tokens->token[i].name, "role",
                                              api_role_name(tokens->token[i].role), "created", created));
    }
    return list;
}

int cli_token_list(const struct cli_command *command, int argc, char **argv) {
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json, 0, 0, NULL, "print a JSON array"}};
    _cleanup_(api_tokens_clear) struct api_tokens tokens = {0};
    struct insp_error error = {0};
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 0, 0, &code))
        return code;
    if (api_tokens_load(call.settings.storage_state_dir, &tokens, &error) < 0)
        return cli_fail(command, &error);
    if (json)
        return cli_print_json(command, tokens_json(&tokens));
    for (size_t i = 0; i < tokens.count; i++) {
        char created[INSP_RFC3339_BYTES];
        insp_rfc3339(tokens.token[i].created_us, created);
        printf("%-32s %-9s %s\n", tokens.token[i].name, api_role_name(tokens.token[i].role), created);
    }
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_token_revoke(const struct cli_command *command, int argc, char **argv) {
    struct insp_error error = {0};
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, NULL, 0, 1, 1, &code))
        return code;
    if (cli_prepare_state(&call, &error) < 0 ||
        api_tokens_revoke(call.settings.storage_state_dir, call.argument[0], &error) < 0)
        return cli_fail(command, &error);
    printf("%s is revoked\n", call.argument[0]);
    cli_tell_daemon(&call);
    return CLI_OK;
}
