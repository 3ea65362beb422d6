"""Labels are never misread in silence: equal numbers, columns, parts, classes that train lacks."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from nucel_pretrain.errors import DataError
from nucel_pretrain.finetune.dataset import Dataset, Part
from nucel_pretrain.finetune.labels import one_name
from nucel_pretrain.finetune.read import read_dataset
from tests.toy import dna


def write(path, labels, header="sequence,label", start=0):
    lines = [f"{dna(40, start + i)},{label}" for i, label in enumerate(labels)]
    path.write_text("\n".join([header, *lines, ""]))
    return path


def folder(path, parts, header="sequence,label"):
    path.mkdir(exist_ok=True)
    for number, (name, labels) in enumerate(parts.items()):
        write(path / name, labels, header, 1000 * number)
    return path


def test_labels_that_are_equal_numbers_are_one_class_in_all_parts(tmp_path):
    parts = {"train.csv": ["0.0", "1.0"] * 5, "dev.csv": ["0", "1"], "test.csv": ["1e0", "00", "1"]}
    found = read_dataset(folder(tmp_path / "a", parts))
    assert (found.task, found.labels) == ("classes", ("0", "1"))
    assert found.parts["test"].targets.tolist() == [1, 0, 1]
    assert found.parts["train"].targets.tolist() == [0, 1] * 5


def test_a_label_spelt_in_one_way_keeps_its_spelling_and_text_is_never_merged():
    assert one_name(["1.0", "2.0", "1.50", "1.5", "a", "-0", "0"]) == {
        "1.0": "1.0", "2.0": "2.0", "1.50": "1.5", "1.5": "1.5", "a": "a", "-0": "0", "0": "0",
    }  # fmt: skip
    # equal as floating-point numbers only
    assert one_name(["9007199254740993", "9007199254740992"])["9007199254740993"][-1] == "3"


def test_equal_numbers_are_one_label_among_several_and_0_and_1_of_columns_may_have_a_point(
    tmp_path,
):
    parts = {"train.csv": ["7.0;2", "2", "7.0"] * 4, "dev.csv": ["7;2", "2"], "test.csv": ["2.0"]}
    found = read_dataset(folder(tmp_path / "a", parts))
    assert (found.task, found.labels) == ("multilabel", ("2", "7"))
    assert found.parts["test"].targets.tolist() == [[1, 0]]
    parts = {"train.csv": ["1.0,0.0", "0.0,1.0"] * 5, "dev.csv": ["1,0"], "test.csv": ["0,1"]}
    found = read_dataset(folder(tmp_path / "b", parts, "sequence,label_x,label_y"))
    assert (found.task, found.labels) == ("multilabel", ("x", "y"))
    assert found.parts["test"].targets.tolist() == [[0, 1]]


@pytest.mark.parametrize("part", ["dev", "test"])
def test_a_class_that_train_lacks_is_refused_with_names_and_counts(tmp_path, part):
    parts = {"train.csv": ["a", "b"] * 5, "dev.csv": ["a", "b"], "test.csv": ["a", "b"]}
    parts[f"{part}.csv"] = ["a", "new", "new", "b", "newer"]
    with pytest.raises(
        DataError, match=rf"the {part} part holds classes that the train part lacks: "
        r"'new' \(2\), 'newer' \(1\)"
    ) as caught:  # fmt: skip
        read_dataset(folder(tmp_path / "a", parts))
    assert "\n" not in str(caught.value)


def test_a_label_that_train_lacks_is_refused_in_either_form_of_several_labels(tmp_path):
    parts = {"train.csv": ["a;b", "b"] * 5, "dev.csv": ["a"], "test.csv": ["a;c"]}
    with pytest.raises(DataError, match=r"test part holds labels .* lacks: 'c' \(1\)"):
        read_dataset(folder(tmp_path / "a", parts))
    parts = {"train.csv": ["1,0"] * 6, "dev.csv": ["1,1", "0,1"], "test.csv": ["0,0"]}
    with pytest.raises(DataError, match=r"dev part holds labels .* lacks: 'y' \(2\)"):
        read_dataset(folder(tmp_path / "b", parts, "sequence,label_x,label_y"))


def test_values_that_train_lacks_are_no_fault(tmp_path):
    parts = {"train.csv": ["0.5", "1"] * 5, "dev.csv": ["7"], "test.csv": ["9"]}
    assert read_dataset(folder(tmp_path / "a", parts)).task == "regression"


@pytest.mark.parametrize("other", ["label_id", "Label_Name", "label_text"])
def test_label_is_taken_where_another_column_says_the_same_in_other_words(tmp_path, other):
    labels = [["free,0", "bound,1"][i % 2] for i in range(30)]
    found = read_dataset(write(tmp_path / "a.csv", labels, f"sequence,label,{other}"))
    assert (found.task, found.labels) == ("classes", ("bound", "free"))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("label,label_CTCF,label_SP1", "a column 'label' and 'label_CTCF', 'label_SP1': drop"),
        ("label_id,label_CTCF,label_SP1", "a column 'label_id' and 'label_CTCF', .* drop"),
        ("label_id,label_name,x", "no column 'label'; .*is it 'label_id'.* Rename it"),
        ("label,label,x", "two columns 'label'; drop one"),
        ("label_A,label_A,x", "two columns 'label_A'; drop one"),
    ],
)
def test_columns_that_could_be_meant_otherwise_are_asked_about(tmp_path, header, words):
    with pytest.raises(DataError, match=words):
        read_dataset(write(tmp_path / "a.csv", ["0,1,1", "1,0,0"] * 9, f"sequence,{header}"))


def test_a_single_column_of_0_and_1_called_by_its_label_is_one_label(tmp_path):
    found = read_dataset(write(tmp_path / "a.csv", ["0", "1"] * 20, "sequence,label_CTCF"))
    assert (found.task, found.labels) == ("multilabel", ("CTCF",))


def test_label_columns_in_another_order_are_refused(tmp_path):
    data = folder(tmp_path / "a", {"train.csv": ["1,0.5"] * 9}, "sequence,label_x,label_y")
    write(data / "test.csv", ["0.5,1"] * 3, "sequence,label_y,label_x", 5000)
    with pytest.raises(DataError, match=r"differ, label_y, label_x in test and label_x, label_y"):
        read_dataset(data)


@pytest.mark.parametrize(
    ("one", "two", "part"),
    [
        ("dev.csv", "valid.csv", "dev"),
        ("train.csv", "train.tsv", "train"),
        ("test.csv", "test.csv.gz", "test"),
        ("train.csv", "training.csv", "train"),
        ("test.csv", "test.fna", "test"),
    ],
)
def test_two_files_of_one_part_are_refused(tmp_path, one, two, part):
    parts = dict.fromkeys(("train.csv", "dev.csv", "test.csv", one, two), ["a", "b"] * 5)
    with pytest.raises(DataError, match=rf"{one} and {two}, each of which would be its {part}"):
        read_dataset(folder(tmp_path / "a", parts))


def test_each_part_is_read_by_its_own_layout(tmp_path):
    """A test part of another layout was passed over, and one dealt out of train in its place."""
    data = folder(tmp_path / "a", {"train.csv": ["a", "b"] * 20})
    (data / "test.fna").write_text(f">x|a\n{dna(40, 1)}\n>y|b\n{dna(40, 2)}\n")
    assert read_dataset(data).parts["test"].names == ("x", "y")


def test_many_whole_numbers_get_a_hint_of_values(tmp_path):
    def split(n):
        return [f"{i % n},{part}" for part in ("train", "dev", "test") for i in range(2 * n)]

    few = read_dataset(write(tmp_path / "few.csv", split(10), "sequence,label,split"))
    many = read_dataset(write(tmp_path / "many.csv", split(11), "sequence,label,split"))
    assert few.hint == ""
    assert many.hint.startswith("the 11 classes are whole numbers; if they are values")
    assert many.hint.endswith("--task regression")
    some = [s.replace("10,", "other,") for s in split(11)]
    assert read_dataset(write(tmp_path / "text.csv", some, "sequence,label,split")).hint == ""
    rare = [*split(11), "12,test"]
    with pytest.raises(DataError, match=r"'12' \(1\).* The 12 classes are whole numbers"):
        read_dataset(write(tmp_path / "rare.csv", rare, "sequence,label,split"))


def test_a_sequence_without_a_label_is_told_how_several_are_written(tmp_path):
    with pytest.raises(DataError, match=r"line 3: the label is ''.* a column label_NAME of 0 and"):
        read_dataset(write(tmp_path / "a.csv", ["a;b", "", "a"]))


@pytest.mark.parametrize(
    ("sequence", "words"),
    [
        ("AUGAUCGA", r"line 2: the sequence has 'U' at position 2, .* this is RNA. Write T for U$"),
        ("MKKSFEKKAKPGIKWRG", r"'F' at position 5, .* this looks like protein"),
        ("ACG-TT", r"'-' at position 4, .* alignment gaps"),
    ],
)
def test_rna_protein_and_gaps_in_tables_are_refused(tmp_path, sequence, words):
    path = tmp_path / "a.csv"
    path.write_text(f"sequence,label\n{sequence},a\n")
    with pytest.raises(DataError, match=words):
        read_dataset(path)
    labelled = tmp_path / "nt"
    labelled.mkdir()
    (labelled / "train.fna").write_text(f">one|1\n{sequence}\n")
    with pytest.raises(DataError, match=r"train\.fna: record 1 \(one\|1\) has "):
        read_dataset(labelled)


def test_lower_case_is_upper_case_in_every_layout_and_in_python(tmp_path):
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for place, change in ((upper, str), (lower, str.lower)):
        folder(place, {"train.csv": ["a", "b"] * 5, "dev.csv": ["a", "b"]})
        for name in ("train.csv", "dev.csv"):
            header, *lines = (place / name).read_text().splitlines()
            text = [f"{change(line[:-2])}{line[-2:]}" for line in lines]
            (place / name).write_text("\n".join([header, *text]))
        (place / "test.fna").write_text(f">x|a\n{change(dna(40, 1))}\n")
    one, two = (read_dataset(place) for place in (upper, lower))
    assert one.checksum == two.checksum
    part = Part((dna(40, 1).lower(), dna(40, 2)), np.arange(2))
    assert part.sequences == (dna(40, 1), dna(40, 2))
    with pytest.raises(TypeError, match="found one string"):
        Part(dna(40, 1), np.arange(40))  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_table_may_be_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = "sequence\tlabel\n" + "".join(f"{dna(40, i)}\t{'ab'[i % 2]}\n" for i in range(40))
    writer = threading.Thread(target=pipe.write_text, args=("\ufeff" + text,))
    writer.start()
    found = read_dataset(pipe)
    writer.join()
    assert sum(map(len, found.parts.values())) == 40


def test_a_dataset_made_in_python_is_checked_too():
    part = Part((dna(40, 1), dna(40, 2)), np.array([0, 1]))
    with pytest.raises(DataError, match=r"lacks: 'c' \(1\)"):
        Dataset("classes", ("a", "b", "c"), {"train": part, "dev": part,
                "test": Part((dna(40, 3),), np.array([2]))}, "x")  # fmt: skip
