"""What a model says of what it wrote: thoughts, and the marks between them, are taken out of an answer.

A mark that stands in quotes belongs to a program that speaks of such marks, and counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

_NAMES = (
    r"think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis|inner_?monologue|chain_?of_?thought"
    r"|antthinking|seed:think|internal"
)
_MARK = re.compile(
    rf"(?P<open><(?:{_NAMES})(?:[ \t][^<>\n]{{0,80}})?>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|begin_of_thought\|>"
    r"|<\|channel>thought|<unused94>thought)"
    rf"|(?P<close></(?:{_NAMES})[ \t]?>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>|<channel\|>|<unused95>)",
    re.IGNORECASE,
)
_SAID = re.compile(r"(?m)^[ \t]{0,8}<(?:final_?)?(?:answer|solution|response|output)>", re.IGNORECASE)
"""A tag at the head of a line at which a model says that it answers now, also where it never said that its thought ends."""
_CHANNEL = re.compile(
    r"<\|channel\|>[ \t]{0,8}(?P<name>[a-z]{1,40})[^<\n]{0,200}(?:<\|constrain\|>[^<\n]{0,40})?<\|message\|>"
)
_ENDS = ("<|end|>", "<|return|>", "<|call|>", "<|start|>")
_FLAT_START, _FLAT_FINAL = "analysis", "assistantfinal"
"""What is left of the marks of channels where a server took away their brackets."""
_QUOTES = frozenset("\"'`\\")
_FRAME = (
    "<|im_start|>assistant", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>",
    "<|start_header_id|>assistant<|end_header_id|>", "<start_of_turn>model", "<end_of_turn>", "<|end|>", "<|return|>",
    "<s>", "</s>", "<bos>", "<eos>", "[INST]", "[/INST]", "\ufeff", "\u200b",
)  # fmt: skip
"""Tokens around a turn that some servers leave in its text."""


_TURN = re.compile(
    r"<\|im_start\|>[ \t]{0,4}(?:user|human|system|tool)|<\|start_header_id\|>(?:user|system)|<start_of_turn>user"
    r"|<\|(?:user|human)\|>"
    r"|<｜User｜>|<\|start\|>user|(?<=</s>)[ \n]{0,4}\[INST\]|(?<=\n)(?:Human|User|### (?:Instruction|User|Human)):"
)
"""Where an answer goes on with a turn that is not the model's."""
_PLAN = re.compile(
    r"(?m)^[ \t]{0,8}<(?P<close>/)?(?P<name>plan(?:ning)?|drafts?|notes?|brainstorm(?:ing)?|sketch|outline|old\w{0,20}"
    r"|original\w{0,20}"
    r"|previous\w{0,20}|current\w{0,20}|before|rejected|critique|review|example|tests?)(?:[ \t][^<>\n]{0,80})?>",
    re.IGNORECASE,
)
"""Tags of what is not the answer, though it may hold code."""
_MOST_LINE = 200
_MOST_TOKENS = 16
"""As many are looked for at the ends."""


def spoken(text: str) -> str:
    """The text without what was thought aloud: empty when the thought was cut off, or is all there is."""
    return _unframed(_unthought(_channelled(text)))


def narrowed(text: str) -> Iterator[str]:
    """The text without other turns and without plans; without other turns; the whole: each is looked at where the one"
    " before failed."""
    own = text[: _end_of_turn(text)]
    views = (_unplanned(own), own, text)
    yield from dict.fromkeys(view for view in views if view.strip())


def _end_of_turn(text: str) -> int:
    """Where somebody else is made to speak."""
    begun = len(text) - len(text.lstrip())
    place = fences = 0
    for mark in _TURN.finditer(text):
        fences += text.count("```", place, mark.start())
        place = mark.start()
        if place > begun and fences % 2 == 0 and _unquoted(text, mark):
            return place
    return len(text)


def _unplanned(text: str) -> str:
    """The text without what stands between tags of plans and of what was there before."""
    kept: list[str] = []
    place = 0
    open_at: re.Match[str] | None = None
    for mark in _PLAN.finditer(text):
        if mark["close"] and open_at is not None and mark["name"].lower() == open_at["name"].lower():
            kept.append(text[place : open_at.start()])
            place, open_at = mark.end(), None
        elif not mark["close"] and open_at is None:
            open_at = mark
    return "".join([*kept, text[place:]])


def _unquoted(text: str, mark: re.Match[str]) -> bool:
    start, end = mark.span()
    before, after = text[max(0, start - 3) : start], text[end : end + 3]
    quoted = before[-1:] in _QUOTES and before != "```", after[:1] in _QUOTES and after != "```"
    return not any(quoted)


def _channelled(text: str) -> str:
    """What was said on the last channel for users; the text where there are no channels."""
    channels = [mark for mark in _CHANNEL.finditer(text) if _unquoted(text, mark)]
    if channels:
        finals = [mark.end() for mark in channels if mark["name"] == "final"]
        if not finals:
            return ""
        ends = [place for end in _ENDS if (place := text.find(end, finals[-1])) >= 0]
        return text[finals[-1] : min(ends, default=len(text))]
    if text.lstrip()[: len(_FLAT_START)].lower() == _FLAT_START and _FLAT_FINAL in text:
        return text.rpartition(_FLAT_FINAL)[2]
    return text


def _unthought(text: str) -> str:
    """The text without thoughts between marks; an opening mark may be missing, and a thought may be cut off."""
    kept: list[str] = []
    place, thinking = 0, False
    last = 0
    for mark in _meant([mark for mark in _MARK.finditer(text) if _unquoted(text, mark)], text):
        if mark["close"]:
            if not thinking:
                kept.clear()
            place, thinking = mark.end(), False
        elif not thinking:
            kept.append(text[place : mark.start()])
            thinking, last = True, mark.end()
    if thinking:
        answers = [tag.start() for tag in _SAID.finditer(text, last)]
        return "".join([*kept, *(text[start:] for start in answers[-1:])])
    return "".join([*kept, text[place:]])


def _meant(marks: Sequence[re.Match[str]], text: str) -> list[re.Match[str]]:
    """The marks that do what they say: not those that a sentence, or a remark in code, only speaks of."""
    marks = list(_without_pairs(marks, text))
    last = max((mark.start() for mark in marks if mark["close"]), default=-1)
    return [
        mark
        for mark in marks
        if not _within_sentence(text, mark.start())
        or (mark.start() < last if mark["open"] else not _remark(text, mark.start()))
    ]


def _without_pairs(marks: Sequence[re.Match[str]], text: str) -> Iterator[re.Match[str]]:
    """The marks without those that open and close within one line of other words."""
    pairs = zip_longest(marks, marks[1:])
    for mark, after in pairs:
        if mark["open"] and after is not None and after["close"] and _one_line(text, mark.start(), after.start()):
            next(pairs)
        else:
            yield mark


def _one_line(text: str, start: int, end: int) -> bool:
    return _within_sentence(text, start) and "\n" not in text[start:end]


def _within_sentence(text: str, place: int) -> bool:
    """Whether words stand before a place in its line, and a space between."""
    return text[place - 1 : place] in {" ", "\t"} and bool(_line_before(text, place).strip())


def _remark(text: str, place: int) -> bool:
    return _line_before(text, place).lstrip().startswith("#")


def _line_before(text: str, place: int) -> str:
    return text[max(0, place - _MOST_LINE) : place].rpartition("\n")[2]


def _unframed(text: str) -> str:
    """The text without the tokens of a turn at its two ends."""
    for _ in range(_MOST_TOKENS):
        text = text.strip()
        token = next((one for one in _FRAME if text.startswith(one) or text.endswith(one)), None)
        if token is None:
            break
        text = text.removeprefix(token).removesuffix(token)
    return text


def advice(lead: str, tail: str, later: bool) -> int:
    """What is said of a block right before and right after it: above 0 to take it, below 0 not to.

    The nearest sentence before it that says something counts. `later`: another block stands before those words, so that
    they may speak of that one.
    """
    before = _sentences(lead)
    said = [one for one in before[:-1] if not later or _ANNOUNCES.search(one)] + before[-1:]
    cue = next((cue for one in reversed(said) if (cue := _leaning(one))), 0)
    return cue + sum(_verdict(one) for one in _told_of(tail))


def titled(text: str) -> int:
    """What a remark at the head of a program says of it."""
    head = text.lstrip()[:_MOST_LINE].partition("\n")[0]
    title = _TITLE.match(head)
    return 0 if title is None else 1 if title["good"] else -1


def _sentences(text: str) -> list[str]:
    return [one.strip() for one in _STOP.split(text) if one.strip(" \t#*_:-")]


def _told_of(tail: str) -> list[str]:
    """The sentences after a block that speak of it: not those that lead on to the next."""
    told = _sentences(tail)
    if tail.rstrip(" \t*_").endswith((":", "\uff1a")):
        told = told[:-1]
    return [one for one in told if not _ANNOUNCES.search(one)]


def _leaning(sentence: str) -> int:
    """Whether a sentence before a block speaks for it."""
    sentence = _BESIDE.sub(" ", sentence)
    against = bool(_COMPARED.search(sentence)) * 2 or bool(_DENIED.search(sentence)) * 2
    rest = _DENIED.sub(" ", sentence)
    against = against or bool(_AGAINST.search(rest))
    rest = _AGAINST.sub(" ", rest)
    return (bool(_FOR.search(rest)) or (not against and bool(_SHOWN.search(rest)))) - against


def _verdict(sentence: str) -> int:
    """Whether a sentence after a block speaks for it."""
    if _REJECTED.search(sentence) or _DENIED.search(sentence):
        return -1
    return int(bool(_CHOSEN.search(sentence)))


_STOP = re.compile(r"\n|(?<=[.!?;])[ \t]|(?<=[。！？；])|[ \t][—–-][ \t]")
"""Where a sentence ends."""
_ANNOUNCES = re.compile(
    r"^[ \t>]{0,8}(?:#|\*\*)|\b(?:here|following|below|another|also|alternative(?:ly)?|option|variant|next|finally"
    r"|one (?:could|can|might)"
    r"|you (?:could|can|might)|(?:first|original|previous|old|final|new|improved) (?:version|program|code|solution))\b"
    r"|\bversion \d|\b(?:voici|hier|aqu[ií]|ecco|вот)\b|以下|下面",
    re.IGNORECASE,
)
"""What says that a block is to come."""
_BESIDE = re.compile(
    r"\b(?:instead of|rather than|unlike|compared (?:to|with)|in contrast to|in place of|than) [^,:;.]{1,60},"
    r"|\b(?:version|variant|improvement|rewrite|revision|replacement|update|take|fix|alternative)\w{0,3} (?:of|over|on|to"
    r"|for)"
    r" (?:the|your|my|this|that) (?:original|current|old|previous|given|existing|initial|naive|first)\w{0,3}"
    r"|\bnot (?:only|just|merely)\b|\bno longer\b|\b(?:better|faster) than before\b",
    re.IGNORECASE,
)
"""What is said of something else than the block."""
_COMPARED = re.compile(
    r"\b(?:than|versus|vs\.?|opposed to|compared (?:to|with)|contrast (?:to|with)|instead of|unlike|replac(?:es|ing)"
    r"|supersed(?:es|ing)"
    r"|replacement for|in place of|preferable to|superior to|improves (?:on|upon|over))"
    r"(?: (?:this|that|these|those|it|the following|what|something like)\b[^:：,.]{0,40})?[ \t]{0,4}[:：]?[ \t*_]{0,4}$",
    re.IGNORECASE,
)
"""A block that stands where the second of two things that are compared is named."""
_NO = (
    r"(?:\b(?:not|never|hardly|barely|no|less|without|cannot|nicht|kein\w{0,2}|nie|weniger|pas|jamais|moins|no|nunca|menos"
    r"|não|non|meno|mai|не|менее)"
    r"|n['’]?t)[ ,]{1,2}(?:\w{1,20} ){0,2}"
)
_GOOD_WORDS = (
    "final improve better best$ optimi[sz] complete$ full$ whole$ correct fix$ fixe answer solution new$ newer updat revis"
    " rewrit refin"
    " refactor rework simpl recommend prefer fast quick clean short robust efficien accura reliab actually$ instead$ submi"
    " putting_it putting_everything after$ use_this use_the_following go_with chosen replaced?_(?:\\w+_){0,3}(?:by|with)$"
    # German, French, Spanish, Portuguese, Italian, Russian
    " endgültig verbesser besser optimier empfehl empfohl empfiehl lösung neue?[nrsm]?$ korrigier schneller nachher"
    " vollständig"
    " amélior meilleur recommand conseill nouve corrigé après plus_rapid définiti"
    " mejor recomend solución nuev corregid después definitiv más_rápid"
    " melhor otimiz solução nov[oa]s?$ corrigid depois resposta"
    " miglior ottimizz raccomand consigliat soluzione nuov corrett dopo"
    " итог финал улучш лучш оптим рекоменд решен нов исправ окончат"
)
_GOOD_SIGNS = (
    "最终|最終|改进|改進|优化|優化|改善|改良|更好|推荐|推薦|推奨|建议|新的|新版|新しい|修正|修改|完整|答案|解决|解法"
    "|最適化|解答"
    "|최종|개선|최적화|추천|권장|새로운|수정|완성"
)
_BAD_WORDS = (
    "current original given existing old$ older previous before$ baseline na[iï]ve initial starting draft first_(?:try"
    "|attempt|idea|thought|version)"
    " you_(?:gave|provided|shared|sent|had|posted) alternative slower not_recommended don'?t$ don’t$ do_not avoid wrong"
    " incorrect"
    " bugg(?:y) bugs?$ broken$ fails?$ instead_of rather_than examples?$ usage tests?$ testing unoptimi[sz]ed brute"
    " earlier former"
    " for_(?:reference|comparison|contrast|complet|context|curiosity|fun$|illustration|history|debugging|the_record)"
    " worse$ worst$ inferior risk(?:y|ier) less$ ignor disregard reject discard abandon dismiss advise_against against$"
    " superseded"
    " obsolete deprecat outdated unsafe fragile inefficien was$ were$ had$ used_to another$ other$ variant appendix"
    " unless$ compar reference$"
    " if_(?:you|the_built) could_also might_also can_also hypothetic anti-?pattern mistake pitfall as_(?:i_)?received"
    " unmodified unchanged"
    " alte?[nrsm]?$ bisher vorher früher ursprünglich vorige[nrsm]? ausgangs vergleich langsamer schlechter verworfen"
    " veraltet falsch"
    " fehlerhaft abgeraten rate_(?:ich|davon) abzuraten statt$ anstelle alternativ entwurf ersetzt$ zuvor"
    " ancien précéd d'origine d’origine avant$ auparavant comparaison déconseill moins$ pire$ plus_lent rejet écarté"
    " obsolèt brouillon naïf"
    " à_éviter évite au_lieu était remplace$ autre$ variante"
    " anterior antigu viej previ[oa]s? inicial antes$ compara desaconsej peor más_lent descart rechaz obsolet borrador"
    " era$ evit en_lugar"
    " reemplaza$ ignor otr[oa]$ antig velh pior$ mais_lent rejeitad rascunho em_vez outr[oa]$"
    " precedent vecchi iniziale prima$ confronto sconsigliat peggio scartat più_lent bozza invece"
    " стар предыдущ прежн исходн хуже медленн отверг сравнен чернов наивн"
)
_BAD_SIGNS = (
    "原来|原來|原始|原有|原先|原版|旧|舊|之前|以前|先前|[较較更]慢|对比|對比|比较|比較|错误|有误|草稿|初始|朴素|废弃|弃用"
    "|备选|替代|忽略"
    "|(?:改进|改進|优化|優化|修改|改善|変更|更新)前|元の|古い|遅い|間違|代替|参考|이전|기존|원래|원본|느린|비교|대안|참고"
)


def _listed(words: str) -> str:
    """Beginnings of words (a word that has to be whole ends in $, _ stands between two) as a pattern."""
    listed = "|".join(one[:-1] + r"\b" if one.endswith("$") else one for one in words.split())
    return rf"\b(?:{listed})\w*".replace("_", "[ -]")


def _words(words: str, signs: str) -> re.Pattern[str]:
    """Such words, and signs of writings that set no spaces."""
    return re.compile(f"{_listed(words)}|{signs}", re.IGNORECASE)


_FOR = _words(_GOOD_WORDS, _GOOD_SIGNS + r"|^(?:and |but )?now\b|\bnow,|\blet me\b|\bhence\b|\btherefore\b")
_AGAINST = _words(_BAD_WORDS, _BAD_SIGNS)
_DENIED = re.compile(
    _NO + rf"(?:{_listed(_GOOD_WORDS)}|advis|us(?:e|ing)\b|work|good\b|need|suitable|valid)"
    rf"|{_listed(_GOOD_WORDS)} (?:\w{{1,20}} ){{0,2}}(?:pas|nicht|niet|not)\b"
    rf"|[不没沒勿别別](?:要|太|是|用|会|能|够)?(?:使用|用|{_GOOD_SIGNS})|(?:{_GOOD_SIGNS})(?:しません|しない|できません"
    rf"|하지)|非推[奨荐]",
    re.IGNORECASE,
)
"""A good word that is denied, or use that is."""
_SHOWN = re.compile(
    r"\bhere(?:'s|’s| is| you (?:are|go)| comes)\b|\bmy (?:program|code|version|implementation|proposal|choice|pick"
    r"|function)\b"
    r"|\b(?:the|this) (?:program|code|function|implementation)[ \t]{0,2}:|\buse\b|\bvoici\b|\bhier\b|\baqu[ií]\b|\becco\b"
    r"|\bвот\b|以下|这是|下面",
    re.IGNORECASE,
)
"""What presents a block as the answer, where nothing speaks against it."""
_REJECTED = re.compile(
    r"\b(?:wrong|incorrect|mistake|bug(?:gy)?|but no|wait|fails|(?:do(?:es)?|did|will|would)(?:n['’]t| not) work"
    r"|not recommended"
    r"|too slow|discard|reject(?:ed)?|no good|scrap|ignore|disregard|inferior|worse|(?:advise|recommend|decide)d? against"
    r"|avoid"
    r"|would be (?:slow|less|risk)\w{0,4}|falsch|verworfen|faux|déconseill\w{0,4}|descart\w{0,5}|incorrect[oa])\b|错误"
    r"|有误|不推荐|不建议|不要",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(?:i (?:recommend|prefer|suggest|choose|chose|submit|pick(?:ed)?)|my (?:final )?(?:choice|answer|submission|pick"
    r"|recommendation)"
    r"|is (?:the|my) (?:final|recommended|preferred|best)|use this (?:one|version))\b",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"[#\"' \t]{1,8}(?:(?P<good>final|improved|after|new|better|fixed|optimi[sz]ed|corrected|recommended|revised|updated)"
    r"|original|old|previous|before|current|naive|draft|deprecated|rejected|alternative|first (?:try|attempt)"
    r"|not recommended|do not use|baseline)\b",
    re.IGNORECASE,
)
