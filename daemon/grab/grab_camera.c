/* The camera by Aravis: opening it, taking its frames, and opening it again after it was lost. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/line/backoff.h"
#include "daemon/grab/grab.h"

#include <arpa/inet.h>
#include <arv.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFERS_MIN = 4,
    BUFFERS_MAX = 32,
    BUFFERS_BYTES = 256 << 20, /* of all, unless BUFFERS_MIN need more; the unit has MemoryMax=1G */
    FRAME_BYTES_MAX = 128 << 20,
    POP_US = 100000,
    SOCKET_BYTES = 16 << 20
};

struct connection {
    struct grab *grab;
    ArvCamera *camera;
    ArvStream *stream;
    _Atomic bool lost; /* set by Aravis' heartbeat thread */
};

static void on_lost(ArvDevice *device, void *arg) {
    struct connection *connection = arg;
    (void)device;
    connection->lost = true;
}

/* Moves an error of GLib into *reterr. Returns whether there was one. */
static bool take_error(GError **error, const char *what, struct insp_error *reterr) {
    if (!*error)
        return false;
    insp_fail(reterr, INSP_E_CAMERA_AWAY, "%s: %s", what, (*error)->message);
    g_clear_error(error);
    return true;
}

/* --- opening --- */

static int set_features(struct connection *c, struct insp_error *reterr) {
    GError *error = NULL;
    const char *features = c->grab->options->features;
    if (*features)
        arv_device_set_features_from_string(arv_camera_get_device(c->camera), features, &error);
    return take_error(&error, "cannot set the features", reterr) ? reterr->code : 0;
}

/* Refuses a format that cannot be posted: more attempts would not help. */
static int check_format(struct connection *c, struct insp_error *reterr) {
    GError *error = NULL;
    ArvPixelFormat format = arv_camera_get_pixel_format(c->camera, &error);
    if (take_error(&error, "cannot read the pixel format", reterr))
        return reterr->code;
    if (grab_format_known((uint32_t)format))
        return 0;
    const char *name = arv_camera_get_pixel_format_as_string(c->camera, &error);
    g_clear_error(&error);
    return insp_fail(
        reterr, INSP_E_MEDIA_TYPE,
        "the camera sends %s, and only %s can be posted; set one of them in the camera, or with --features "
        "PixelFormat=Mono8",
        name ? name : "an unknown pixel format", grab_formats);
}

static int set_trigger(struct connection *c, struct insp_error *reterr) {
    GError *error = NULL;
    const struct grab_options *options = c->grab->options;
    arv_camera_set_acquisition_mode(c->camera, ARV_ACQUISITION_MODE_CONTINUOUS, &error);
    if (take_error(&error, "cannot set the acquisition mode", reterr))
        return reterr->code;
    if (options->mode == INSP_GRABBER_SOFTWARE)
        arv_camera_set_trigger(c->camera, "Software", &error);
    else if (options->mode == INSP_GRABBER_LINE)
        arv_camera_set_trigger(c->camera, options->line, &error);
    else
        arv_camera_clear_triggers(c->camera, NULL); /* a camera without triggers has none to clear */
    if (take_error(&error, "cannot set the trigger", reterr))
        return reterr->code;
    if (options->mode == INSP_GRABBER_FREE && options->interval_ms) {
        arv_camera_set_frame_rate(c->camera, 1000.0 / options->interval_ms, &error);
        if (error)
            insp_log_warning("the camera sends frames at its own pace, not at that of --interval why=%s",
                             INSP_LOG_QUOTED(error->message));
        g_clear_error(&error);
    }
    return 0;
}

/* Returns the number of buffers; 0: frames are too large. */
static guint buffers_for(guint payload) {
    if (payload > FRAME_BYTES_MAX)
        return 0;
    guint fit = payload ? BUFFERS_BYTES / payload : BUFFERS_MAX;
    return fit < BUFFERS_MIN ? BUFFERS_MIN : fit > BUFFERS_MAX ? BUFFERS_MAX : fit;
}

static int start_stream(struct connection *c, struct insp_error *reterr) {
    GError *error = NULL;
    if (arv_camera_is_gv_device(c->camera)) /* a packet socket needs CAP_NET_RAW */
        arv_camera_gv_set_stream_options(c->camera, ARV_GV_STREAM_OPTION_PACKET_SOCKET_DISABLED);
    if (c->grab->options->packet_bytes && arv_camera_is_gv_device(c->camera))
        arv_camera_gv_set_packet_size(c->camera, (gint)c->grab->options->packet_bytes, &error);
    if (take_error(&error, "cannot set the size of packets", reterr))
        return reterr->code;
    guint payload = arv_camera_get_payload(c->camera, &error);
    if (take_error(&error, "cannot read the size of a frame", reterr))
        return reterr->code;
    const guint buffers = buffers_for(payload);
    if (!buffers)
        return insp_fail(
            reterr, INSP_E_MEDIA_TYPE,
            "a frame of the camera has %u bytes, and only %d can be held; set a smaller region in the "
            "camera, or with --features \"Width=... Height=...\"",
            payload, FRAME_BYTES_MAX);
    c->stream = arv_camera_create_stream(c->camera, NULL, NULL, &error);
    if (take_error(&error, "cannot open a stream", reterr))
        return reterr->code;
    if (ARV_IS_GV_STREAM(c->stream)) /* the kernel grants at most net.core.rmem_max */
        g_object_set(c->stream, "socket-buffer", ARV_GV_STREAM_SOCKET_BUFFER_FIXED, "socket-buffer-size",
                     SOCKET_BYTES, NULL);
    for (guint i = 0; i < buffers; i++)
        arv_stream_push_buffer(c->stream, arv_buffer_new_allocate(payload));
    arv_camera_start_acquisition(c->camera, &error);
    return take_error(&error, "cannot start the acquisition", reterr) ? reterr->code : 0;
}

static int open_camera(struct connection *c, struct insp_error *reterr) {
    GError *error = NULL;
    struct in6_addr address;
    const char *name = c->grab->options->camera;
    if (inet_pton(AF_INET, name, &address) != 1) /* a broadcast: it may have another address */
        arv_update_device_list();
    c->camera = arv_camera_new(name, &error);
    if (take_error(&error, "cannot open the camera", reterr))
        return reterr->code;
    if (!c->camera)
        return insp_fail(reterr, INSP_E_CAMERA_AWAY, "there is no camera %.100s", name);
    g_signal_connect(arv_camera_get_device(c->camera), "control-lost", G_CALLBACK(on_lost), c);
    int code = set_features(c, reterr);
    if (!code)
        code = check_format(c, reterr);
    if (!code)
        code = set_trigger(c, reterr);
    return code ? code : start_stream(c, reterr);
}

static void close_camera(struct connection *c) {
    pthread_mutex_lock(&c->grab->device_lock);
    c->grab->device = NULL;
    pthread_mutex_unlock(&c->grab->device_lock);
    if (c->camera)
        g_signal_handlers_disconnect_by_data(arv_camera_get_device(c->camera), c);
    g_clear_object(&c->stream);
    g_clear_object(&c->camera);
}

/* --- frames --- */

static void offer(struct connection *c, ArvBuffer *buffer) {
    struct grab_frame frame = {.id = arv_buffer_get_frame_id(buffer)};
    if (arv_buffer_get_status(buffer) == ARV_BUFFER_STATUS_SUCCESS) {
        gint x_padding = 0, y_padding = 0;
        const void *data = arv_buffer_get_image_data(buffer, &frame.bytes);
        arv_buffer_get_image_padding(buffer, &x_padding, &y_padding);
        frame.format = (uint32_t)arv_buffer_get_image_pixel_format(buffer);
        frame.width = (uint32_t)arv_buffer_get_image_width(buffer);
        frame.height = (uint32_t)arv_buffer_get_image_height(buffer);
        frame.padding = x_padding > 0 ? (size_t)x_padding : 0;
        frame.data = (uint8_t *)(uintptr_t)data; /* borrowed */
    }
    grab_offer(c->grab, &frame);
}

static bool stopping(struct grab *grab) {
    pthread_mutex_lock(&grab->lock);
    bool stop = grab->stopping;
    pthread_mutex_unlock(&grab->lock);
    return stop;
}

/* Takes frames until the camera is lost or the grabber stops. */
static void take_frames(struct connection *c) {
    while (!c->lost && !stopping(c->grab)) {
        ArvBuffer *buffer = arv_stream_timeout_pop_buffer(c->stream, POP_US);
        if (!buffer)
            continue;
        if (arv_buffer_get_status(buffer) != ARV_BUFFER_STATUS_CLEARED)
            offer(c, buffer);
        arv_stream_push_buffer(c->stream, buffer);
    }
}

/* Stops the acquisition and offers the frames that were on their way. */
static void take_rest(struct connection *c) {
    ArvBuffer *buffer;
    pthread_mutex_lock(&c->grab->device_lock);
    c->grab->device = NULL;
    if (!c->lost)
        arv_camera_stop_acquisition(c->camera, NULL);
    pthread_mutex_unlock(&c->grab->device_lock);
    while ((buffer = arv_stream_timeout_pop_buffer(c->stream, POP_US))) {
        ArvBufferStatus status = arv_buffer_get_status(buffer);
        if (status != ARV_BUFFER_STATUS_CLEARED && status != ARV_BUFFER_STATUS_ABORTED)
            offer(c, buffer);
        g_object_unref(buffer);
    }
}

int grab_camera_trigger(struct grab *grab, struct insp_error *reterr) {
    GError *error = NULL;
    arv_camera_software_trigger(grab->device, &error);
    return take_error(&error, "the camera does not take the trigger", reterr) ? reterr->code : 0;
}

static void serve(struct connection *c) {
    struct grab *grab = c->grab;
    GError *error = NULL;
    const char *model = arv_camera_get_model_name(c->camera, &error);
    g_clear_error(&error);
    grab_connected(grab);
    insp_log_info("the camera is connected camera=%s model=%s trigger=%s", INSP_LOG_WORD(grab->options->camera),
                  INSP_LOG_QUOTED(model ? model : ""), insp_grabber_mode_name(grab->options->mode));
    pthread_mutex_lock(&grab->device_lock);
    grab->device = c->camera;
    pthread_mutex_unlock(&grab->device_lock);
    take_frames(c);
    take_rest(c);
    if (c->lost)
        insp_log_warning("the camera was lost camera=%s", INSP_LOG_WORD(grab->options->camera));
}

static void fail(struct grab *grab, const struct insp_error *error) {
    pthread_mutex_lock(&grab->lock);
    bool told = !strcmp(grab->detail, error->detail);
    pthread_mutex_unlock(&grab->lock);
    if (!told)
        insp_log_warning("the camera cannot be opened camera=%s detail=%s", INSP_LOG_WORD(grab->options->camera),
                         INSP_LOG_QUOTED(error->detail));
    grab_disconnected(grab, error->detail);
    pthread_mutex_lock(&grab->lock);
    grab->fatal = error->code == INSP_E_MEDIA_TYPE;
    pthread_mutex_unlock(&grab->lock);
}

void *grab_camera_run(void *arg) {
    struct grab *grab = arg;
    unsigned failures = 0;
    arv_enable_interface("Fake"); /* Fake_1: a camera without hardware, for rehearsals */
    while (!stopping(grab)) {
        struct connection connection = {.grab = grab};
        struct insp_error error = {0};
        int code = open_camera(&connection, &error);
        if (code) {
            fail(grab, &error);
        } else {
            failures = 0;
            serve(&connection);
            grab_disconnected(grab, "the camera was lost");
        }
        close_camera(&connection);
        if (code == INSP_E_MEDIA_TYPE)
            break;
        if (!stopping(grab))
            grab_pause(grab, insp_backoff_ms(++failures, (uint64_t)random()));
    }
    pthread_mutex_lock(&grab->lock);
    grab->draining = true;
    pthread_cond_broadcast(&grab->changed);
    pthread_mutex_unlock(&grab->lock);
    return NULL;
}
