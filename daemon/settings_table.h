/* daemon/settings_table.h - every setting, once. This table yields the struct, the parser, the ranges, `--help`,
 * config/inspectd.conf and the test that the two agree.
 *
 * X(section, key, KIND, default, min, max, unit, text)
 *   KIND    TEXT    min..max bytes of text         `unit` names the form
 *           CHOICE  one of the words in `unit`, separated by '|'
 *           FLAG    true | false | yes | no | on | off | 1 | 0
 *           COUNT   a whole number, min..max
 *           SIZE    bytes, min..max; K, M, G and T mean 1024, 1024^2...; where the default is auto, so may the
 * value be default the text as it would stand in the file text    for people; '\n' breaks lines */
#ifndef INSP_DAEMON_SETTINGS_TABLE_H
#define INSP_DAEMON_SETTINGS_TABLE_H

#include <stdint.h>

/* S(section, text) comes before the settings of that section. */
#define DAEMON_SETTINGS_TABLE(S, X)                                                                               \
    S(server, "The HTTP side: where the daemon listens and who may call.")                                        \
    X(server, listen, TEXT, "127.0.0.1:8080", 3, 255, "host:port",                                                \
      "Address to listen on: 127.0.0.1:8080, [::1]:8080, 0.0.0.0:8080. Port 0 takes any free one.\n"              \
      "A socket handed over by systemd (inspectd.socket) comes before this.")                                     \
    X(server, open_access, CHOICE, "auto", 0, 0, "auto|always|never",                                             \
      "Who needs no token for what is not below /v1/admin/, which needs an admin token everywhere. auto: programs\n"\
      "on this machine, where the daemon listens on a loopback address. always: everybody. never: nobody.\n"      \
      "The older values are understood: true is always, false is auto.")                                          \
    X(server, hosts, TEXT, "", 0, DAEMON_TEXT_MAX, "host[, host...]",                                             \
      "Names and addresses by which clients without a token may call the daemon, beside localhost and its own\n"  \
      "address: a foreign web page's name is refused (DNS rebinding). * is any. With a token any name will do.")  \
    X(server, origins, TEXT, "", 0, DAEMON_TEXT_MAX, "origin[, origin...]",                                       \
      "Sites whose pages may use the API from a browser (CORS), such as https://mes.plant.example. The daemon's\n"\
      "own dashboard needs no entry; pages of any other site are refused.")                                       \
    X(server, trusted_proxies, TEXT, "", 0, DAEMON_TEXT_MAX, "address[/bits][, ...]",                             \
      "Reverse proxies that are believed about the client's address (Forwarded, X-Forwarded-For). What comes by\n"\
      "way of them is never a program on this machine, so under open_access = auto it needs a token.")            \
    X(server, tls_certificate, TEXT, "", 0, DAEMON_TEXT_MAX, "PEM file",                                          \
      "Certificate chain for HTTPS. Empty: plain HTTP.")                                                          \
    X(server, tls_key, TEXT, "", 0, DAEMON_TEXT_MAX, "PEM file", "Private key of the certificate.")               \
    X(server, hsts_s, COUNT, "0", 0, 63072000, "seconds",                                                         \
      "Over TLS, browsers are told to use nothing but HTTPS for this host name this long (HSTS). It concerns every\n"\
      "port of the name, so only set it where nothing else on the machine is plain HTTP. 0: not sent.")           \
    X(server, connections, COUNT, "256", 4, 65536, "connections",                                                 \
      "Open connections at most. For one more a silent, slow or idle one is closed; where all are at work\n"      \
      "the new one gets 503.")                                                                                    \
    X(server, connections_per_address, COUNT, "0", 0, 65536, "connections",                                       \
      "Of these, how many one address may have (of IPv6, one /64 network).\n"                                     \
      "0: three quarters of them, and on loopback all. A trusted proxy may always have all of them.")             \
    X(server, request_timeout_s, COUNT, "15", 1, 3600, "seconds",                                                 \
      "A client that sends nothing for this long is cut off.")                                                    \
    X(server, event_ping_s, COUNT, "10", 1, 3600, "seconds",                                                      \
      "An event stream without news sends a comment this often. It keeps proxies from closing the stream,\n"      \
      "and it shows that a client has left.")                                                                     \
    X(server, pool_threads, COUNT, "4", 2, 128, "threads",                                                        \
      "Threads reserved for inspections: they decode images, render answers and write the store.")                \
    X(server, background_threads, COUNT, "4", 2, 128, "threads",                                                  \
      "Threads for other requests: lists, pictures, exports, models, datasets. They have a lower priority.\n"    \
      "Pictures and other long work hold at most half of them.")                                                  \
    X(server, shutdown_grace_s, COUNT, "10", 0, 600, "seconds",                                                   \
      "What a stop gives running inspections before they are answered with 503.")                                 \
    S(storage, "What is kept, where and for how long.")                                                           \
    X(storage, state_dir, TEXT, "", 0, DAEMON_TEXT_MAX, "folder",                                                 \
      "Database, images, models, trunks, tokens. Empty: $STATE_DIRECTORY (systemd sets it), else\n"               \
      "/var/lib/inspectd for root, else $XDG_STATE_HOME/inspectd, else ~/.local/state/inspectd.")                 \
    X(storage, durability, CHOICE, "process", 0, 0, "process|power",                                              \
      "What an answered inspection survives. process: the daemon being killed. power: a power cut too,\n"         \
      "by one fsync for each group of inspections.")                                                              \
    X(storage, keep_good_days, COUNT, "30", 0, 36500, "days",                                                     \
      "Inspections with verdict good are removed after this. 0: never by age.")                                   \
    X(storage, keep_anomaly_days, COUNT, "365", 0, 36500, "days",                                                 \
      "Inspections with verdict anomaly are removed after this. 0: never by age.")                                \
    X(storage, free_bytes_min, SIZE, "auto", 0, INT64_MAX, "bytes",                                               \
      "Images are removed (good ones first, unlabelled anomalies last) until this much of the disk is\n"          \
      "free. auto: 2G, or 5 % of a smaller disk. 0: never by free space.")                                        \
    X(storage, image_bytes_max, SIZE, "0", 0, INT64_MAX, "bytes",                                                 \
      "All images together take at most this, in the same order. 0: no limit.")                                   \
    X(storage, thumbnail_bytes_max, SIZE, "1G", 0, INT64_MAX, "bytes",                                            \
      "Small pictures kept for the dashboard, in <state_dir>/cache/thumbnails. 0: made anew each time.")          \
    X(storage, sweep_percent, COUNT, "2", 1, 100, "percent",                                                      \
      "One sweep removes at most this share of the store (bytes by space, rows by age) and as much as\n"          \
      "came in since the last one.")                                                                              \
    X(storage, hour_percent, COUNT, "10", 1, 100, "percent", "The same for all sweeps of an hour.")               \
    X(storage, reserve_percent, COUNT, "5", 0, 100, "percent",                                                    \
      "Labelled images and anomalies are not removed for space while all images together take no more\n"          \
      "than this share of the disk (of image_bytes_max, for that rule).")                                         \
    X(storage, quarantine_bytes_max, SIZE, "1G", 0, INT64_MAX, "bytes",                                           \
      "Image files that no row knows are moved to <state_dir>/quarantine up to this; more stay where\n"           \
      "they are.")                                                                                                \
    X(storage, quarantine_days, COUNT, "90", 0, 36500, "days",                                                    \
      "Files in the quarantine are removed after this. 0: never.")                                                \
    X(storage, sweep_interval_s, COUNT, "300", 1, 86400, "seconds", "How often the rules above are applied.")     \
    S(limits, "What one request may ask for. All of it is checked before memory is taken.")                       \
    X(limits, inflight, COUNT, "64", 1, 4096, "inspections",                                                      \
      "Inspections accepted and not yet answered. One more gets 503 and code queue_full at once, unless a\n"      \
      "stalled upload makes room for it. One token or one address may hold three quarters of them.\n"             \
      "Bodies take at most inflight x body_bytes of memory.")                                                     \
    X(limits, body_bytes, SIZE, "32M", 1024, 1073741824, "bytes", "Largest body of a request.")                   \
    X(limits, image_width, COUNT, "16384", 1, 65500, "pixels", "Widest image.")                                   \
    X(limits, image_height, COUNT, "16384", 1, 65500, "pixels", "Highest image.")                                 \
    X(limits, image_pixels, COUNT, "64000000", 1, 1000000000, "pixels", "Width x height of an image.")            \
    X(limits, deadline_ms, COUNT, "10000", 0, 600000, "milliseconds",                                             \
      "An inspection that names no deadline_ms gets 504 after this. 0: no deadline.")                             \
    X(limits, exports, COUNT, "4", 1, 64, "exports",                                                              \
      "Exports (CSV, JSON lines) that run at once. One more gets 503 and code queue_full.")                       \
    X(limits, event_streams, COUNT, "128", 1, 65536, "streams",                                                   \
      "Event streams (GET /v1/events) open at once. One token or one address may hold three quarters of\n"        \
      "them. One more gets 503 and code queue_full.")                                                             \
    X(limits, answer_bytes, SIZE, "256M", 1048576, INT64_MAX, "bytes",                                            \
      "Answers kept in memory until their clients have read them (lists, heatmaps; posted images are sent\n"      \
      "from their files). Beyond it reads get 503 and code queue_full; inspections never do.")                    \
    X(limits, decode_pixels, COUNT, "256000000", 1000000, 100000000000, "pixels",                                 \
      "Pixels of all images that are being decoded at once. Images beyond 4 megapixels wait for their turn;\n"   \
      "pictures for viewers and jobs get at most half, inspections what they need.")                              \
    X(limits, decode_bytes, SIZE, "1G", 16777216, INT64_MAX, "bytes",                                             \
      "Memory of the same decoders, shared out in the same way.")                                                 \
    X(limits, background_queue, COUNT, "256", 1, 65536, "requests",                                               \
      "Requests that may wait for one of server.background_threads; pictures and other long work are counted\n"  \
      "apart. One more gets 503 and code queue_full.")                                                            \
    X(limits, batch, COUNT, "8", 1, 64, "images",                                                                 \
      "Images scored in one pass at most. A pass takes what waits and never waits for more.")                     \
    S(decode, "How images of special cameras are read, when posted and when trained on.")                         \
    X(decode, jpeg_stray_bytes, COUNT, "64", 0, 65535, "bytes",                                                   \
      "Bytes that a camera may leave before each marker in the scans of a JPEG, as padding. They are\n"           \
      "passed over and counted; more is damage. 0: none before a restart marker.")                                \
    X(decode, png16_bits, COUNT, "0", 0, 16, "bits",                                                              \
      "Bits that a camera uses in the lower end of 16-bit PNG: 10, 12, 14. 0: by the file's sBIT chunk, else\n"   \
      "the least of 8, 10, 12, 14 and 16 that holds its values, which a dark picture can mislead.")               \
    S(device, "Where the network runs.")                                                                          \
    X(device, name, TEXT, "auto", 3, 31, "auto|cpu|cuda|cuda:N",                                                  \
      "auto takes the first CUDA device that works, else the CPU. cuda or cuda:N that is not there is an\n"       \
      "error.")                                                                                                   \
    X(device, threads, COUNT, "0", 0, 1024, "threads",                                                            \
      "CPU threads of one pass. 0: all that the process may use.")                                                \
    X(device, cpu_engine, CHOICE, "auto", 0, 0, "auto|packed|torch",                                              \
      "auto: packed kernels where the processor has AVX2 or better, else libtorch's operators.")                  \
    X(device, selftest_interval_s, COUNT, "60", 1, 86400, "seconds",                                              \
      "How often /readyz is proved by scoring an image whose answer is known.")                                   \
    S(training, "Training, cross-validation and evaluation.")                                                     \
    X(training, dataset_roots, TEXT, "", 0, DAEMON_TEXT_MAX, "folder[:folder...]",                                \
      "Jobs find their datasets below these folders only, and uploads go into the first.\n"                       \
      "Empty: <state_dir>/datasets.")                                                                             \
    X(training, threads, COUNT, "0", 0, 1024, "threads", "CPU threads of a job. 0: as device.threads.")           \
    X(training, cache_bytes, SIZE, "8G", 0, INT64_MAX, "bytes",                                                   \
      "The trunk's output of each image is kept in <state_dir>/cache/features (400 KB an image), so that\n"       \
      "the trunk runs once an image. What was not used for longest goes first. 0: no limit.")                     \
    X(training, cache_half, FLAG, "false", 0, 0, "", "Keep it as float16: half the size.")                        \
    X(training, memory_bytes, SIZE, "0", 0, INT64_MAX, "bytes",                                                   \
      "Memory that a job's process may take; one that needs more fails, and the line goes on. 0: three\n"         \
      "quarters of the memory that is free when the job starts.")                                                 \
    X(training, queue, COUNT, "16", 1, 1000, "jobs", "Jobs that may wait; one runs at a time.")                   \
    S(log, "Messages go to standard error, where systemd's journal picks them up.")                               \
    X(log, level, CHOICE, "info", 0, 0, "error|warning|info|debug",                                               \
      "What is less important than this is not written.")

#endif
