"""`OptionUpdates` against a model of a server."""

from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.auricle.option_updates import OptionUpdates


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["want", "tell", "answered", "refused", "postponed"]),
            st.sampled_from(["bias", "language"]),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_what_is_wanted_is_told_in_the_end_or_refused(steps: list[tuple[str, str, int, bool]]) -> None:
    updates, server = OptionUpdates({"bias": 0, "language": 0}), {"bias": 0, "language": 0}
    wanted, asked = dict(server), dict[str, object]()
    for what, key, value, speaking in steps:
        if what == "want":
            wanted[key] = value
            updates.want({key: value})
        elif what == "tell":
            due = updates.due(speaking=speaking)
            assert not (due and asked), "one change at a time"
            assert not (speaking and set(due) == {"bias"}), "a bias waits"
            if due:
                asked = due
                updates.mark_sent(due)
        elif what == "answered" and asked:
            server |= asked  # type: ignore[arg-type]
            asked = {}
            updates.accept()
        elif what == "refused" and asked:
            for key_, refused in asked.items():
                wanted[key_] = server[key_] if wanted[key_] == refused else wanted[key_]
            asked = {}
            updates.reject()
        elif what == "postponed" and asked:
            asked = {}
            updates.postpone()
    if asked:
        updates.accept()
        server |= asked  # type: ignore[arg-type]
    server |= updates.due(speaking=False)  # type: ignore[arg-type]
    assert server == wanted
