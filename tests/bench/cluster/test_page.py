"""The page of the cluster's bench is of its results, and the results are those that were to be shown."""

from cluster.command import PAGE, kept
from cluster.page import page

WRONG = ("missing", "doubled", "strange", "disordered", "incomplete", "interrupted")


def test_the_page_is_what_the_results_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(kept())


def test_what_is_kept_is_a_run_in_which_no_word_was_lost_or_doubled() -> None:
    kills = kept()["kills"]
    assert (kills["sessions"], kills["every_s"]) == (50, 10.0)
    assert kills["kills"] >= 6
    assert {name: kills["heard"][name] for name in WRONG} == dict.fromkeys(WRONG, 0)


def test_a_decode_on_a_worker_says_what_a_local_one_says() -> None:
    overhead = kept()["overhead"]
    assert all(overhead[kind]["same_text"] == overhead[kind]["calls"] for kind in ("partials", "finals"))
    assert overhead["finals"]["wer"]["local"] == overhead["finals"]["wer"]["ray"]
