#include "daemon/settings.h"

#include "api/access/hosts.h"
#include "api/access/proxies.h"
#include "api/sinks/mqtt_names.h"
#include "api/sinks/webhook_rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int put(char *member, struct insp_error *reterr, const char *name, const char *folder, size_t folder_bytes,
               const char *below) {
    int n = snprintf(member, DAEMON_TEXT_MAX + 1, "%.*s%s", (int)folder_bytes, folder, below);
    if (n < 0 || n > DAEMON_TEXT_MAX)
        return insp_fail(reterr, INSP_E_CONFIG, "%s would be longer than %d bytes", name, DAEMON_TEXT_MAX);
    return 0;
}

static int resolve_state_dir(struct daemon_settings *settings, struct insp_error *reterr) {
    char *member = settings->storage_state_dir;
    const char *systemd = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (*member)
        return 0;
    if (systemd && *systemd) /* a list of folders; the first one is used */
        return put(member, reterr, "storage.state_dir", systemd, strcspn(systemd, ":"), "");
    if (geteuid() == 0)
        return put(member, reterr, "storage.state_dir", "/var/lib", 8, "/inspectd");
    if (xdg && *xdg == '/')
        return put(member, reterr, "storage.state_dir", xdg, strlen(xdg), "/inspectd");
    if (home && *home == '/')
        return put(member, reterr, "storage.state_dir", home, strlen(home), "/.local/state/inspectd");
    return insp_fail(reterr, INSP_E_CONFIG,
                     "storage.state_dir is not set, and neither $XDG_STATE_HOME nor $HOME is an absolute path");
}

static bool device_name_valid(const char *name) {
    if (!strcmp(name, "auto") || !strcmp(name, "cpu") || !strcmp(name, "cuda"))
        return true;
    if (strncmp(name, "cuda:", 5) != 0)
        return false;
    size_t digits = strspn(name + 5, "0123456789");
    return digits >= 1 && digits <= 3 && !name[5 + digits];
}

/* Checks the form host:port, with an IPv6 host in brackets. A host that does not exist fails when it is bound. */
static bool listen_valid(const char *text) {
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !isdigit((unsigned char)colon[1]))
        return false;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end || port > 65535 || end - colon > 6)
        return false;
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    return bracketed || memchr(text, ':', (size_t)(colon - text)) == NULL;
}

/* Checks mqtt.*, and blames the setting that is wrong. */
static int check_mqtt(const struct daemon_settings *settings, struct insp_error *reterr) {
    struct api_mqtt_address address = {0};
    if (*settings->mqtt_url && api_mqtt_address(settings->mqtt_url, &address, reterr))
        return daemon_settings_blame(settings, DAEMON_ROW_mqtt_url, reterr);
    if (api_mqtt_prefix_check(settings->mqtt_prefix, reterr))
        return daemon_settings_blame(settings, DAEMON_ROW_mqtt_prefix, reterr);
    if (api_mqtt_sparkplug_check(settings->mqtt_sparkplug_group, reterr))
        return daemon_settings_blame(settings, DAEMON_ROW_mqtt_sparkplug_group, reterr);
    if (api_mqtt_sparkplug_check(settings->mqtt_sparkplug_node, reterr))
        return daemon_settings_blame(settings, DAEMON_ROW_mqtt_sparkplug_node, reterr);
    if (*settings->mqtt_sparkplug_group && !*settings->mqtt_url) {
        insp_fail(reterr, INSP_E_CONFIG, "Sparkplug needs mqtt.url");
        return daemon_settings_blame(settings, DAEMON_ROW_mqtt_sparkplug_group, reterr);
    }
    if (*settings->mqtt_password_file && !*settings->mqtt_username) {
        insp_fail(reterr, INSP_E_CONFIG, "a password needs mqtt.username");
        return daemon_settings_blame(settings, DAEMON_ROW_mqtt_password_file, reterr);
    }
    if (!*settings->mqtt_certificate != !*settings->mqtt_key) {
        insp_fail(reterr, INSP_E_CONFIG, "mqtt.certificate and mqtt.key must be set together, or neither");
        return daemon_settings_blame(
            settings, *settings->mqtt_key ? DAEMON_ROW_mqtt_key : DAEMON_ROW_mqtt_certificate, reterr);
    }
    const struct {
        const char *value;
        enum daemon_row row;
    } of_tls[] = {{settings->mqtt_ca_file, DAEMON_ROW_mqtt_ca_file},
                  {settings->mqtt_certificate, DAEMON_ROW_mqtt_certificate}};
    for (size_t i = 0; i < sizeof of_tls / sizeof *of_tls; i++)
        if (*of_tls[i].value && *settings->mqtt_url && !address.tls) {
            insp_fail(reterr, INSP_E_CONFIG, "mqtt.url must begin with mqtts:// for TLS");
            return daemon_settings_blame(settings, of_tls[i].row, reterr);
        }
    return 0;
}

static int check_webhook(const struct daemon_settings *settings, struct insp_error *reterr) {
    unsigned verdicts;
    if (*settings->webhook_url && api_webhook_url_check(settings->webhook_url, reterr))
        return daemon_settings_blame(settings, DAEMON_ROW_webhook_url, reterr);
    if (api_webhook_verdicts(settings->webhook_verdicts, &verdicts, reterr))
        return daemon_settings_blame(settings, DAEMON_ROW_webhook_verdicts, reterr);
    if (api_webhook_products_check(settings->webhook_products, reterr))
        return daemon_settings_blame(settings, DAEMON_ROW_webhook_products, reterr);
    if (*settings->webhook_ca_file && *settings->webhook_url && strncmp(settings->webhook_url, "https:", 6) != 0) {
        insp_fail(reterr, INSP_E_CONFIG, "webhook.url must begin with https:// for TLS");
        return daemon_settings_blame(settings, DAEMON_ROW_webhook_ca_file, reterr);
    }
    return 0;
}

static bool is_within(const char *folder, const char *path) {
    size_t bytes = strlen(folder);
    while (bytes && folder[bytes - 1] == '/')
        bytes--;
    return !strncmp(path, folder, bytes) && (!path[bytes] || path[bytes] == '/');
}

/* Keeps the daemon from inspecting what it has stored itself. */
static int check_watch(const struct daemon_settings *settings, struct insp_error *reterr) {
    const char *folder = settings->watch_folder, *state = settings->storage_state_dir;
    if (!*folder || (!is_within(folder, state) && !is_within(state, folder)))
        return 0;
    insp_fail(reterr, INSP_E_CONFIG, "the folder and storage.state_dir must not lie within each other");
    return daemon_settings_blame(settings, DAEMON_ROW_watch_folder, reterr);
}

int daemon_settings_check_files(const struct daemon_settings *settings, struct insp_error *reterr) {
    const struct {
        const char *path;
        enum daemon_row row;
    } file[] = {{settings->mqtt_password_file, DAEMON_ROW_mqtt_password_file},
                {settings->mqtt_ca_file, DAEMON_ROW_mqtt_ca_file},
                {settings->mqtt_certificate, DAEMON_ROW_mqtt_certificate},
                {settings->mqtt_key, DAEMON_ROW_mqtt_key},
                {settings->webhook_secret_file, DAEMON_ROW_webhook_secret_file},
                {settings->webhook_ca_file, DAEMON_ROW_webhook_ca_file}};
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        struct stat info = {0};
        if (!*file[i].path)
            continue;
        int why = access(file[i].path, R_OK) < 0 || stat(file[i].path, &info) < 0 ? errno : 0;
        if (!why && !S_ISREG(info.st_mode))
            why = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
        if (!why)
            continue;
        insp_fail(reterr, INSP_E_CONFIG, "cannot read %s: %s", file[i].path, strerror(why));
        return daemon_settings_blame(settings, file[i].row, reterr);
    }
    return 0;
}

int daemon_settings_resolve(struct daemon_settings *settings, struct insp_error *reterr) {
    if (!listen_valid(settings->server_listen))
        return insp_fail(reterr, INSP_E_CONFIG,
                         "server.listen is \"%.128s\"; it must be host:port, such as 127.0.0.1:8080 or [::1]:8080",
                         settings->server_listen);
    if (!device_name_valid(settings->device_name))
        return insp_fail(reterr, INSP_E_CONFIG, "device.name is \"%s\"; it must be auto, cpu, cuda or cuda:N",
                         settings->device_name);
    if (!*settings->server_tls_certificate != !*settings->server_tls_key)
        return insp_fail(reterr, INSP_E_CONFIG,
                         "server.tls_certificate and server.tls_key must be set together, or neither");
    if (*settings->modbus_listen && !*settings->modbus_stations)
        return insp_fail(reterr, INSP_E_CONFIG,
                         "modbus.listen is set, but modbus.stations is empty; name the units and their cameras, "
                         "such as 1=cam1");
    struct api_networks networks;
    int r = api_hosts_check(settings->server_hosts, reterr);
    if (r == 0)
        r = api_origins_check(settings->server_origins, reterr);
    if (r == 0 && (r = api_networks_parse(settings->server_trusted_proxies, &networks, reterr)) < 0)
        insp_error_prefix(reterr, "server.trusted_proxies");
    if (r == 0)
        r = check_mqtt(settings, reterr);
    if (r == 0)
        r = check_webhook(settings, reterr);
    if (r == 0)
        r = resolve_state_dir(settings, reterr);
    if (r == 0)
        r = check_watch(settings, reterr);
    if (r < 0)
        return r;
    if (!*settings->training_dataset_roots) {
        r = put(settings->training_dataset_roots, reterr, "training.dataset_roots", settings->storage_state_dir,
                strlen(settings->storage_state_dir), "/datasets");
        if (r < 0)
            return r;
    }
    if (settings->training_threads == 0)
        settings->training_threads = settings->device_threads;
    return 0;
}
