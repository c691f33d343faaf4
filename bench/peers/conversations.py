"""The loop of the scripts that Switchboard's conversation worker replaces, to be measured against it.

One token, a first extra call whose totalHits fixes the number of pages, the pages one after the other over one connection,
the whole interval held in memory as decoded objects, then one file of JSON lines for each page.

    python bench/peers/conversations.py --login URL --api URL --client-id ID --client-secret SECRET \
        --interval 2026-03-01T16:00:00.000Z/2026-03-02T16:00:00.000Z --page-size 100 --output DIRECTORY

Prints one line of JSON: records, pages, seconds, records_per_second, peak_rss_bytes.
"""

import argparse
import json
import math
import os
import resource
import sys
import time

import requests


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--login", required=True)
    parser.add_argument("--api", required=True)
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--client-secret", required=True)
    parser.add_argument("--interval", required=True)
    parser.add_argument("--page-size", type=int, default=100)
    parser.add_argument("--output", required=True)
    options = parser.parse_args()

    os.makedirs(options.output, exist_ok=True)
    started = time.monotonic()

    # A session keeps the connection open: the fair version of the loop.
    session = requests.Session()
    answer = session.post(
        options.login + "/oauth/token",
        auth=(options.client_id, options.client_secret),
        data={"grant_type": "client_credentials"},
        timeout=60,
    )
    answer.raise_for_status()
    session.headers["Authorization"] = "Bearer " + answer.json()["access_token"]

    def query(page_size, page_number):
        body = {
            "interval": options.interval,
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": {"pageSize": page_size, "pageNumber": page_number},
        }
        answer = session.post(
            options.api + "/api/v2/analytics/conversations/details/query", json=body, timeout=60
        )
        answer.raise_for_status()
        return answer.json()

    total = query(options.page_size, 1)["totalHits"]
    pages = math.ceil(total / options.page_size)

    day = []
    for number in range(1, pages + 1):
        day.append(query(options.page_size, number).get("conversations", []))

    name = options.interval[:10].replace("-", "")
    for number, conversations in enumerate(day, 1):
        path = os.path.join(options.output, f"genesys_conversations_{name}_{number}.json")
        with open(path, "w", encoding="utf-8") as file:
            for conversation in conversations:
                file.write(json.dumps(conversation) + "\n")

    seconds = time.monotonic() - started
    records = sum(len(conversations) for conversations in day)
    result = {
        "records": records,
        "pages": pages,
        "seconds": round(seconds, 3),
        "records_per_second": round(records / seconds, 1),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    json.dump(result, sys.stdout)
    print()


if __name__ == "__main__":
    main()
