"""Times and probabilities an engine should not have said."""

from auricle.engines.protocol import TimedWord, Transcript
from auricle.engines.session.results import Extent, final_of, partial_of, place_words, probability

EXTENT = Extent(audio_begin_s=10.0, begin_s=10.2, end_s=12.0, speech_begin_s=10.3, speech_end_s=11.5)


def test_words_are_put_in_order_and_inside_the_utterance():
    said = [(0.0, 0.5), (0.4, 0.3), (0.1, 0.9), (float("nan"), float("inf")), (1.5, 9.0)]
    words = [TimedWord(text="w", start_s=start, end_s=end, confidence=7.0) for start, end in said]
    placed = place_words(words, EXTENT)
    times = [time for word in placed for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[0] == 10.2
    assert times[-1] == 12.0
    assert {word.confidence for word in placed} == {1.0}


def test_probabilities():
    assert [probability(value) for value in (-1.0, 0.5, 2.0, float("nan"))] == [0.0, 0.5, 1.0, 0.0]


def words_of(told):
    return [word.text for word in told.words]


def results(text, words, *, stable_prefix):
    """Return what is told of a transcript, as a partial and as a final."""
    transcript = Transcript(text=text, words=tuple(TimedWord(text=word, start_s=0.5, end_s=0.6) for word in words))
    yield partial_of(transcript, EXTENT, stable_prefix=stable_prefix)
    yield final_of(transcript, EXTENT, stable_prefix=stable_prefix, end_sample=192_000, reason="endpoint")


def test_a_promise_that_the_engine_takes_back_is_kept_in_the_words_too():
    for told in results("hello word", ("hello", "word"), stable_prefix="Hello"):
        assert told.text == "Hello word"
        assert words_of(told) == ["Hello", "word"]


def test_words_that_are_not_those_of_the_text_are_not_told():
    for text, words in (("hello world again", ("hello", "world")), ("", ("hello",)), ("hello", ())):
        for told in results(text, words, stable_prefix=""):
            assert told.text == text
            assert not told.words


def test_words_of_languages_without_spaces_are_those_of_the_text():
    for told in results("こんにちは世界", ("こんにちは", "世界"), stable_prefix=""):
        assert words_of(told) == ["こんにちは", "世界"]


def test_a_text_that_the_engine_does_not_believe_is_told_to_be_doubtful():
    def told(transcript):
        return final_of(transcript, EXTENT, stable_prefix="", end_sample=192_000, reason="endpoint").doubtful

    assert told(Transcript(text="on and on and on", believed=False))
    assert not told(Transcript(text="on and on"))
