from linvae.report.why import open_points, reasons

BY_RECIPE = {
    "id": 8,
    "verdict": "inconclusive",
    "verdicts": {"deep": "supported", "deep-long": "inconclusive"},
    "explanation": "deep (supported): 1 % at 0.5. It grows. deep-long (inconclusive): 3 points "
    "(one seed) (open at a margin of 2 points: one more seed of deep-long at 1 would decide, 4 CPU "
    "minutes). More. The headline: deep, deep-long do not agree.",
}


def test_reasons_stand_by_recipe_and_what_is_said_of_all_last():
    found = [(reason.recipe, reason.verdict, reason.text) for reason in reasons(BY_RECIPE)]
    assert found[0] == ("deep", "supported", "1 % at 0.5. It grows.")
    assert found[1][:2] == ("deep-long", "inconclusive")
    assert found[1][2].endswith("More.")
    assert found[2] == ("", "", "The headline: deep, deep-long do not agree.")


def test_nothing_of_an_explanation_is_lost():
    told = "".join(reason.text for reason in reasons(BY_RECIPE)).replace(" ", "")
    for word in ("1%at0.5", "CPUminutes", "More.", "donotagree."):
        assert word in told
    long = {"verdict": "inconclusive", "explanation": "A sentence of 0.5 nats. " * 30}
    assert len(reasons(long)) == 30


def test_what_would_settle_a_claim_is_of_the_recipes_that_are_open():
    ((claim, parts),) = open_points([BY_RECIPE, {**BY_RECIPE, "verdict": "supported"}])
    assert claim["id"] == 8
    assert [part.recipe for part in parts] == ["deep-long"]
    assert parts[0].text == (
        "Open at a margin of 2 points: one more seed of deep-long at 1 would decide, 4 CPU minutes."
    )


def test_where_recipes_disagree_that_is_what_is_open():
    verdicts = {"a": "supported", "b": "not supported"}
    text = "a (supported): x. b (not supported): y. The headline: a, b do not agree."
    claim = {"id": 1, "verdict": "inconclusive", "verdicts": verdicts, "explanation": text}
    ((_, parts),) = open_points([claim])
    assert [part.text for part in parts] == ["The headline: a, b do not agree."]
