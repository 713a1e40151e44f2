"""`ChatContextPrompt`: bounded, and without system messages."""

from hypothesis import given
from hypothesis import strategies as st
from livekit.agents.llm import ChatMessage
from livekit.plugins.auricle.chat_context import MAX_CHARACTERS, ChatContextPrompt


@given(st.lists(st.text(max_size=300), max_size=12))
def test_the_context_is_bounded_and_ends_with_what_was_said_last(said: list[str]) -> None:
    context, last = ChatContextPrompt(), None
    for text in said:
        last = context.add(ChatMessage(role="user", content=[text])) or last
    assert last is None or len(last) <= MAX_CHARACTERS
    assert context.add(ChatMessage(role="system", content=["secret instructions"])) is None
