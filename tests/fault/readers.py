#!/usr/bin/env python3
"""A crowd of readers in a separate process with the lowest priority: in a plant they are other machines.

    readers.py HOST PORT COUNT PATH [PATH...]      until its standard input ends; prints how many answers it got by status
"""
import collections
import http.client
import os
import sys
import threading


def read(host, port, paths, offset, ending, statuses):
    connection = None
    while not ending.is_set():
        path = paths[offset % len(paths)]
        offset += 1
        try:
            connection = connection or http.client.HTTPConnection(host, port, timeout=60)
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            statuses[answer.status] += 1
            if answer.status == 503:
                ending.wait(float(answer.headers.get("Retry-After", 1)))
        except (OSError, http.client.HTTPException):
            statuses["broken"] += 1
            connection = None
            ending.wait(0.05)


def main():
    host, port, count, paths = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    os.nice(19)
    ending, statuses = threading.Event(), collections.Counter()
    crowd = [threading.Thread(target=read, args=(host, port, paths, i, ending, statuses), daemon=True) for i in range(count)]
    for thread in crowd:
        thread.start()
    print("reading", flush=True)
    sys.stdin.read()
    ending.set()
    print(dict(statuses), flush=True)
    os._exit(0)  # without waiting for the remaining answers


if __name__ == "__main__":
    main()
