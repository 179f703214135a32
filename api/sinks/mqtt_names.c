#include "api/sinks/mqtt_names.h"

#include "core/base/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads ":port", "" or either with a slash behind. */
static bool read_port(const char *text, unsigned *port) {
    char *end = (char *)(size_t)text;
    if (*text == ':') {
        unsigned long value = isdigit((unsigned char)text[1]) ? strtoul(text + 1, &end, 10) : 0;
        if (!value || value > 65535 || end - text > 6)
            return false;
        *port = (unsigned)value;
    }
    return !*end || !strcmp(end, "/");
}

int api_mqtt_address(const char *url, struct api_mqtt_address *ret, struct insp_error *reterr) {
    static const char form[] = "it must be mqtt://host:port or mqtts://host:port";
    bool tls = !strncmp(url, "mqtts://", 8);
    if (!tls && strncmp(url, "mqtt://", 7) != 0)
        return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\": %s", url, form);
    const char *host = url + (tls ? 8 : 7);
    if (strchr(host, '@')) /* not quoted: it may hold a password */
        return insp_fail(reterr, INSP_E_CONFIG,
                         "the address holds a user name: set mqtt.username and mqtt.password_file instead");
    bool bracketed = *host == '[';
    host += bracketed;
    size_t bytes = strcspn(host, bracketed ? "]" : ":/?#");
    const char *rest = host + bytes + bracketed;
    unsigned port = tls ? 8883 : 1883;
    if (!bytes || bytes >= sizeof ret->host || (bracketed && host[bytes] != ']') || !read_port(rest, &port) ||
        strcspn(host, " \t\"") < bytes)
        return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\": %s", url, form);
    ret->tls = tls;
    ret->port = port;
    snprintf(ret->host, sizeof ret->host, "%.*s", (int)bytes, host);
    return 0;
}

void api_mqtt_target(const struct api_mqtt_address *address, char *ret, size_t bytes) {
    bool v6 = strchr(address->host, ':') != NULL;
    snprintf(ret, bytes, "%s://%s%s%s:%u", address->tls ? "mqtts" : "mqtt", v6 ? "[" : "", address->host,
             v6 ? "]" : "", address->port);
}

int api_mqtt_prefix_check(const char *prefix, struct insp_error *reterr) {
    size_t bytes = strlen(prefix);
    const char *why = NULL;
    if (bytes >= API_MQTT_PREFIX_BYTES)
        why = "it is too long";
    else if (strpbrk(prefix, "+#"))
        why = "+ and # are wildcards";
    else if (prefix[0] == '$')
        why = "topics that begin with $ belong to the broker";
    else if (prefix[0] == '/' || (bytes && prefix[bytes - 1] == '/') || strstr(prefix, "//"))
        why = "a level is empty";
    uint32_t character;
    for (size_t i = 0, step; !why && i < bytes; i += step) {
        step = insp_utf8_step(prefix + i, &character);
        if (!step)
            why = "it is not UTF-8";
        else if (!insp_utf8_visible(character))
            why = "it has an invisible character";
    }
    return why ? insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\" cannot begin a topic: %s", prefix, why) : 0;
}

int api_mqtt_sparkplug_check(const char *name, struct insp_error *reterr) {
    if (strchr(name, '/') || !strcmp(name, "STATE"))
        return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\" cannot be a level of Sparkplug's topics", name);
    return api_mqtt_prefix_check(name, reterr);
}

void api_mqtt_level(const char *name, char *ret) {
    size_t used = 0;
    for (; *name && used + 4 <= API_MQTT_LEVEL_BYTES; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < 0x20 || c == 0x7F || strchr("/+#%", c))
            used += (size_t)snprintf(ret + used, 4, "%%%02X", c);
        else
            ret[used++] = (char)c;
    }
    if (!used)
        ret[used++] = '-';
    ret[used] = 0;
}
