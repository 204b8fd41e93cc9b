"""Every fault of a programme is found at once, where it stands, in two languages, with the nearest known word."""

from pathlib import Path

import pytest

from schemas.loading import CheckReport
from tests.programmes.drafting import Seen, checked, seen

FINAL_TIES = "ties: [expert, authority]"
REWARD = "  - {title: pilot, type: cash, amount_fen: 100, label: {zh: 奖金}}\n"
CRAFT = "stages.enterprise.steps.eligibility.predicates.craft"
FLOOR = '{id: floor, who: {id: f, fact: frontline_worker, op: "==", value: true}, op: ">=", share: "35%"}'
SECTOR_FLOOR = '{{id: {id}, who: {{id: {id}_, fact: sector, op: "==", value: {value}}}, op: ">=", share: "{share}"{more}}}'


def floors(*shares: tuple[str, str], more: str = "") -> str:
    return "\n          - ".join(
        SECTOR_FLOOR.format(id=f"f_{value}", value=value, share=share, more=more) for value, share in shares
    )


Change = tuple[str, str, str, str, str] | tuple[str, str, str, str, str, tuple[str, str]]

# what is changed, into what (§ where the fault stands), its code, its place, the nearest word; a second change that
# only marks, where the fault stands elsewhere
FAULTS: dict[str, Change] = {
    # the words of the language
    "an unknown key": ("quota: 3", "§quotta: 3", "extra_forbidden", "stages.enterprise.steps.intake.quotta", "quota"),
    "an unknown key at the top": ("subject:", "§subjekt: person\nsubject:", "extra_forbidden", "subjekt", "subject"),
    "assumptions written by hand": ("subject:", "§assumptions: []\nsubject:", "extra_forbidden", "assumptions", "assumed"),
    "a missing key": ("{id: intake, type: intake, channels: [unit, self], ", "§{id: intake, type: intake, ", "missing", "stages.enterprise.steps.intake.channels", ""),
    "a step without a type": ("{id: publicity, type: publicity, ", "§{id: publicity, ", "missing", "stages.province.steps.publicity.type", ""),
    "an unknown type of step": ("type: publicity", "type: §publicty", "one_of", "stages.province.steps.publicity.type", "publicity"),
    "an unknown unit of time": ("unit: natural_day", "unit: §naturel_day", "one_of", "stages.province.steps.vote.period.unit", "natural_day"),
    "an unknown rank": ("  county:\n", "  §countty:\n", "one_of", "stages.countty", "county"),
    "an unknown subject": ("subject: person", "subject: §persons", "one_of", "subject", "person"),
    "an unknown operator": ('op: ">=", value: 5', 'op: §"=>", value: 5', "one_of", "stages.enterprise.steps.eligibility.predicates.craft.op", ">="),
    "a number in quotes": ("panel_size: 5", 'panel_size: §"5"', "int_type", "stages.province.steps.review.panel_size", ""),
    "a truth for a number": ("panel_size: 5", "panel_size: §true", "int_type", "stages.province.steps.review.panel_size", ""),
    "a number for a truth": ("ranked: true", "ranked: §1", "bool_type", "stages.county.steps.endorsement.ranked", ""),
    "a number for text": ('root: "9"', "root: §9", "string_type", "units.root", ""),
    "text for a list": (FINAL_TIES, "ties: §expert", "list_type", "stages.province.steps.final.ties", ""),
    "text for a mapping": ("title: {zh: 测试项目, en: A test}", "title: §测试", "mapping_type", "title", ""),
    "a bad identifier": ("id: pilot", "id: §Pilot-1", "identifier_form", "titles.Pilot-1.id", ""),
    "an empty list": ("channels: [unit, self]", "channels: §[]", "too_short", "stages.enterprise.steps.intake.channels", ""),
    "a period of no days": ("period: {days: 7", "period: {days: §0", "greater_than", "stages.province.steps.vote.period.days", ""),
    "a period beyond ten years": ("period: {days: 7", "period: {days: §4000", "less_than_equal", "stages.province.steps.vote.period.days", ""),
    "a business close at no time of day": ("{days: 7, unit: natural_day}", "{days: 7, unit: natural_day, closes: §17.30}", "float_refused", "stages.province.steps.1.period.closes", ""),
    "a close at the hour at which the day before ended": ("{days: 7, unit: natural_day}", "§{days: 7, unit: natural_day, closes: \"00:00\"}", "closes_form", "stages.province.steps.vote.period", ""),
    "a close that may be over before its only day begins": ("{days: 7, unit: natural_day}", "§{days: 1, unit: natural_day, count_first_day: true, closes: \"17:30\"}", "closes_form", "stages.province.steps.vote.period", ""),
    "a minimum that ends after the period": ("type: publicity, period: {days: 5, unit: work_day}", "type: publicity, period: {days: 5, unit: work_day, closes: \"17:30\"}, minimum: {days: 5, unit: work_day}", "minimum_form", "stages.province.steps.publicity", "", ("{id: publicity", "§{id: publicity")),
    "a minimum above the quota": ("quota: 3", "quota: 3, quota_min: §4", "limits_crossed", "stages.enterprise.steps.intake.quota_min", ""),
    "a minimum that is asked of nobody": ("channels: [unit, self], period: {days: 5, unit: work_day}, quota: 3", "channels: [feed], period: {days: 5, unit: work_day}, quota_min: §1", "minimum_of_nobody", "stages.enterprise.steps.intake.quota_min", "", ("subject:", "feeders: [{id: months, programme: month}]\nsubject:")),
    "a negative reserve": (FINAL_TIES, "reserve: §-1", "greater_than_equal", "stages.province.steps.final.reserve", ""),
    "a value of no kind": ("value: 5}", "value: §{a: 1}}", "one_of", "stages.enterprise.steps.eligibility.predicates.craft.value", ""),
    # shares and exact numbers
    "a share as a float": ('share: "70%"', "share: §0.70", "float_refused", "stages.province.steps.3.weights.0.share", ""),
    "a share as 35.0": ('share: "35%"', "share: §35.0", "float_refused", "stages.province.steps.3.shares.0.share", ""),
    "a float with an exponent": ('differential: "3/2"', "differential: §15e-1", "float_refused", "stages.province.steps.3.differential", ""),
    "a share as a whole number": ('share: "35%"', "share: §35", "share_form", "stages.province.steps.final.shares.floor.share", ""),
    "a share as a decimal text": ('share: "35%"', 'share: §"0.35"', "share_form", "stages.province.steps.final.shares.floor.share", ""),
    "a share over the whole": ('share: "35%"', 'share: §"135%"', "share_form", "stages.province.steps.final.shares.floor.share", ""),
    "a share over nothing": ('quorum: "2/3"', 'quorum: §"2/0"', "share_form", "stages.province.steps.review.quorum", ""),
    "an exact number in words": ('step: "0.5"', "step: §half", "exact_form", "stages.province.steps.review.scale.step", ""),
    "a hexadecimal number": ("panel_size: 5", "panel_size: §0x5", "integer_refused", "stages.province.steps.0.panel_size", ""),
    "a number without end": ("panel_size: 5", "panel_size: §" + "9" * 40, "integer_refused", "stages.province.steps.0.panel_size", ""),
    "seats of a grade where nobody is ranked": ("grades: [{title: helper}]", "grades: [{title: pilot, seats: §1}, {title: helper}]", "grade_unranked", "stages.enterprise.steps.conferral.grades.0.seats", ""),
    "a word twice in one list": ("channels: [unit, self]", "channels: [unit, self, §unit]", "word_repeated", "stages.enterprise.steps.intake.channels.2", ""),
    "a route twice": ("  - {id: trade, ranks", "  - {id: again, §ranks: [enterprise, county, province]}\n  - {id: trade, ranks", "route_repeated", "routes.again.ranks", ""),
    "a quorum of more than all": ('quorum: "2/3"', 'quorum: §"100%"\n        quorum_comparator: ">"', "more_than_all", "stages.province.steps.review.quorum", ""),
    "a quorum of none": ('quorum: "2/3"', 'quorum: §"0%"', "quorum_of_none", "stages.province.steps.review.quorum", ""),
    "a congress of none": ("  industry_union:\n    steps:\n", '  industry_union:\n    steps:\n      - {id: congress, type: congress, period: {days: 5, unit: work_day}, quorum: §"0/3", threshold: {share: "1/2", comparator: ">", base: present}}\n', "quorum_of_none", "stages.industry_union.steps.congress.quorum", ""),
    "a threshold that all reach": ("  industry_union:\n    steps:\n", '  industry_union:\n    steps:\n      - {id: congress, type: congress, period: {days: 5, unit: work_day}, quorum: "2/3", threshold: {share: §"0%", comparator: ">=", base: present}}\n', "threshold_of_none", "stages.industry_union.steps.congress.threshold.share", ""),
    "a panel's threshold that all reach": ("  industry_union:\n    steps:\n", '  industry_union:\n    steps:\n      - {id: vetting, type: expert_review, mode: vote, panel_size: 3, scores_min: 2, quorum: "2/3", period: {days: 5, unit: work_day}, threshold: {share: §"0/3", comparator: ">=", base: cast}}\n', "threshold_of_none", "stages.industry_union.steps.vetting.threshold.share", ""),
    "reports where nothing lies below": ("  enterprise:\n", "  enterprise:\n    §reports_within: {days: 3, unit: work_day}\n", "nothing_below", "stages.enterprise.reports_within", ""),
    "sponsors whom no channel asks for": ("quota: 3", "quota: 3, §sponsors_min: 2", "sponsors_of_none", "stages.enterprise.steps.intake.sponsors_min", ""),
    # what no cycle could be opened with, or would be left unread
    "an anchor that February lacks": ("subject: person", 'subject: person\ncadence: {every: month, anchor: §"2026-01-29"}', "anchor_day", "cadence.anchor", ""),
    "a register that no batch fits into": ("subject: person", "subject: person\nbatches: {cap: §3}", "cap_below_seats", "batches.cap", ""),
    "points that the submitter writes": ("facts:\n", "points: {dimensions: [{id: x, label: {zh: 其他}}]}\nfacts:\n  points: §{type: integer, label: {zh: 积分}}\n", "points_attested", "facts.points", ""),
    "a root that is no unit of the file": ('root: "9"', 'root: §"8"', "root_missing", "units.root", ""),
    "a channel weighed twice": ("        limits: {per_day: 5", '        channels: [{channel: web, share: "50%"}, {channel: web, share: "50%"}]\n        limits: {per_day: 5', "weight_repeated", "stages.province.steps.vote", "", ("id: vote", "§id: vote")),
    # reviews and votes
    "weights that are not whole": ('public, share: "30%"', 'public, share: "20%"', "weights_not_whole", "stages.province.steps.final", "", ("id: final", "§id: final")),
    "a component weighted twice": ("{component: public", "{component: expert", "weight_repeated", "stages.province.steps.final", "", ("id: final", "§id: final")),
    "a scale that runs down": ("minimum: 0", "minimum: 100", "scale_form", "stages.province.steps.review.scale", "", ("scale: {", "scale: §{")),
    "a score without a scale": ('        scale: {minimum: 0, maximum: 100, step: "0.5"}\n', "", "scale_missing", "stages.province.steps.review", "", ("id: review", "§id: review")),
    "a vote without a threshold": ("mode: score", "mode: vote", "threshold_missing", "stages.province.steps.review", "", ("id: review", "§id: review")),
    "a threshold beside scores": ("mode: score", 'mode: score\n        §threshold: {share: "2/3", comparator: ">=", base: present}', "mode_unfit", "stages.province.steps.review.threshold", ""),
    "a step that leaves a rest": ('step: "0.5"', 'step: §"0.3"', "step_uneven", "stages.province.steps.review.scale.step", ""),
    "more scores than judges": ("scores_min: 3", "scores_min: §6", "scores_min_over_panel", "stages.province.steps.review.scores_min", ""),
    "an unknown way on where nothing can be trimmed": ("trim: {drop: 1, min_left: 3}", "trim: {drop: 1, min_left: 3, otherwise: §stopp}", "one_of", "stages.province.steps.review.trim.otherwise", "stop"),
    "a stop at every score, as a trim never applies": ("trim: {drop: 1, min_left: 3}", "trim: §{drop: 2, min_left: 3, otherwise: stop}", "trim_never", "stages.province.steps.review.trim", ""),
    "a trim that never applies": ("trim: {drop: 1, min_left: 3}", "trim: §{drop: 2, min_left: 3}", "trim_never", "stages.province.steps.review.trim", ""),
    "more kinds than judges": ("mode: score", "mode: score\n        draw: {pool_role: expert, kinds: §{metal: 6}}", "kinds_over_panel", "stages.province.steps.review.draw.kinds", ""),
    "groups by a fact that nobody declares": ("mode: score", "mode: score\n        groups: {fact: §sectr}", "fact_unknown", "stages.province.steps.review.groups.fact", "sector"),
    "groups by what is no choice": ("mode: score", "mode: score\n        groups: {fact: §born_on}", "groups_by_choice", "stages.province.steps.review.groups.fact", ""),
    "a scale of groups that there is not": ("mode: score", "mode: score\n        groups: {fact: sector, normalise: §topp}", "one_of", "stages.province.steps.review.groups.normalise", "top"),
    "more kinds than judges of a group": ("mode: score", "mode: score\n        groups: {fact: sector}\n        draw: {pool_role: expert, kinds: §{boats: 4, nets: 2, theory: 2}}", "kinds_over_panel", "stages.province.steps.review.draw.kinds", ""),
    "criteria that are not whole": ("mode: score", 'mode: score\n        rubric: [{id: skill, label: {zh: 技}, share: "90%"}]', "weights_not_whole", "stages.province.steps.review", "", ("id: review", "§id: review")),
    "an unknown audience": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, audience: §publik, ", "one_of", "stages.province.steps.publicity.audience", "public"),
    "a word for when the anonymous are heard": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, accept_anonymous: §with_evidence, ", "one_of", "stages.province.steps.publicity.accept_anonymous", "with_evidence_only"),
    "no period for letters": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, by_post: §postmark, ", "mapping_type", "stages.province.steps.publicity.by_post", ""),
    "an unknown unit for letters": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, by_post: {days: 5, unit: §workday}, ", "one_of", "stages.province.steps.publicity.by_post.unit", "work_day"),
    "an unknown limit of substitution": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, substitute: {§times: 2}, ", "extra_forbidden", "stages.province.steps.publicity.substitute.times", "times_max"),
    "limits of substitution that limit nothing": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, substitute: §{after_vetting: true}, ", "limits_form", "stages.province.steps.publicity.substitute", ""),
    "limits of substitution where nobody stands by": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, §substitute: {times_max: 2}, ", "limits_of_nothing", "stages.province.steps.publicity.substitute", ""),
    "a vetting that nobody does": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, substitute: {times_max: 2, §after_vetting: false}, ", "vetting_nowhere", "stages.province.steps.publicity.substitute.after_vetting", "", (FINAL_TIES, FINAL_TIES + "\n        reserve: 2")),
    "a word for yes or no": ("{id: publicity, type: publicity, ", "{id: publicity, type: publicity, substitute: §within, ", "bool_type", "stages.province.steps.publicity.substitute", ""),
    "a limit in total below the least on a paper": ("choices_min: 1", "choices_min: §3, in_total: 2", "limits_crossed", "stages.province.steps.vote.limits.choices_min", ""),
    "limits that cross": ("choices_min: 1", "choices_min: §6", "limits_crossed", "stages.province.steps.vote.limits.choices_min", ""),
    "rules against stuffing without an adjudication": ("choices_max: 5}\n", "choices_max: 5}\n        §stuffing: {rules: [{id: one, type: velocity, by: device, voters: 8, lead: \"80%\"}]}\n", "stuffing_without_adjudication", "stages.province.steps.vote.stuffing", ""),
    "a velocity that counts two things": ("choices_max: 5}\n", "choices_max: 5}\n        adjudication: {days: 3, unit: work_day}\n        stuffing: {rules: [§{id: one, type: velocity, by: device, voters: 8, papers: 8, lead: \"80%\"}]}\n", "velocity_counts", "stages.province.steps.vote.stuffing.rules.one", ""),
    "a rule of an unknown type": ("choices_max: 5}\n", "choices_max: 5}\n        adjudication: {days: 3, unit: work_day}\n        stuffing: {rules: [{id: one, type: §velocitee, by: device, voters: 8, lead: \"80%\"}]}\n", "one_of", "stages.province.steps.vote.stuffing.rules.one.type", "velocity"),
    "a ladder that falls": ("choices_max: 5}\n", "choices_max: 5}\n        adjudication: {days: 3, unit: work_day}\n        stuffing: {rules: [{id: one, type: night, by: device, papers: 8, night: \"80%\"}], ladder: [{act: zero, share: \"20%\"}, §{act: disqualify, share: \"10%\"}]}\n", "ladder_falls", "stages.province.steps.vote.stuffing.ladder.1", ""),
    "more seats than the ballot after them can name": ("      - id: vote\n", '      - {id: wide, type: selection, seats: §2049, weights: [{component: expert, share: "100%"}]}\n      - id: vote\n', "candidates_too_many", "stages.province.steps.wide.seats", ""),
    "equals beyond what the ballot can name": ("      - id: vote\n", '      - {id: wide, type: selection, seats: 2048, ties: [include_all], ceiling: §2049, weights: [{component: expert, share: "100%"}]}\n      - id: vote\n', "candidates_too_many", "stages.province.steps.wide.ceiling", ""),
    "provisional counts without a time": ("choices_max: 5}\n", "choices_max: 5}\n        display: §{counts: provisional}\n", "display_times", "stages.province.steps.vote.display", ""),
    "a time that no clock shows": ("choices_max: 5}\n", "choices_max: 5}\n        display: {counts: provisional, at: [§\"24:30\"]}\n", "time_form", "stages.province.steps.vote.display.at.0", ""),
    # routes, entries, order
    "ranks that go down": ("[enterprise, county, province]}", "[county, §enterprise, province]}", "ranks_not_ascending", "routes.river.ranks.1", ""),
    "a union twice on a way": ("[enterprise, industry_union, province]", "[enterprise, industry_union, county, §industry_union, province]", "ranks_not_ascending", "routes.trade.ranks.3", ""),
    "a way down around a union": ("[enterprise, county, province]}", "[enterprise, county, industry_union, §county, province]}", "ranks_not_ascending", "routes.river.ranks.3", ""),
    "routes that do not meet": ("industry_union, province]", "§industry_union]", "summits_differ", "routes.trade.ranks.1", ""),
    "a rank without a stage": ("[enterprise, county, province]", "[enterprise, §township, county, province]", "stage_missing", "routes.river.ranks.1", ""),
    "a stage that no route passes": ("[enterprise, county, province]", "[enterprise, province]", "stage_unused", "stages.county", "", ("  county:\n", "  §county:\n")),
    "an intake that comes late": ("      - {id: endorsement, type: endorsement, period", "      - {id: first, type: endorsement, period: {days: 5, unit: work_day}}\n      - §{id: late, type: intake, channels: [self], period: {days: 5, unit: work_day}}\n      - {id: endorsement, type: endorsement, period", "intake_not_first", "stages.industry_union.steps.late", ""),
    "no way in": ("id: intake, type: intake, channels: [unit, self], period: {days: 5, unit: work_day}, quota: 3", "id: intake, type: endorsement, period: {days: 5, unit: work_day}", "intake_missing", "stages.enterprise", "", ("  enterprise:\n", "  §enterprise:\n")),
    "publicity after the decision": ("      - {id: conferral, type: conferral, body: office, grades: [{title: pilot", "      - §{id: again, type: publicity, period: {days: 5, unit: work_day}}\n      - {id: conferral, type: conferral, body: office, grades: [{title: pilot", "step_out_of_order", "stages.province.steps.again", ""),
    "a step after the conferral": ("rewards:\n", "      - §{id: more, type: endorsement, period: {days: 5, unit: work_day}}\nrewards:\n", "step_out_of_order", "stages.province.steps.more", ""),
    "two conferrals": ("rewards:\n", "      - §{id: more, type: conferral, body: office, grades: [{title: helper}], period: {days: 5, unit: work_day}}\nrewards:\n", "conferral_twice", "stages.province.steps.more", ""),
    "a publicity after the training": ("      - {id: decision, type", "      - {id: training, type: training, period: {days: 5, unit: work_day}}\n      - §{id: again, type: publicity, period: {days: 5, unit: work_day}}\n      - {id: decision, type", "step_out_of_order", "stages.province.steps.again", ""),
    "a training before the publicity": ("      - {id: publicity, type", "      - {id: training, type: training, period: {days: 5, unit: work_day}}\n      - §{id: publicity, type", "step_out_of_order", "stages.province.steps.publicity", ""),
    "a training without a publicity": ("  industry_union:\n    steps:\n", "  industry_union:\n    steps:\n      - §{id: training, type: training, period: {days: 5, unit: work_day}}\n", "training_unpublished", "stages.industry_union.steps.training", ""),
    "a fast track past a score": ("  province:\n", "  province:\n    fast_tracks: [{id: fast, who: {id: f, fact: frontline_worker, op: \"==\", value: true}, passes: [§review]}]\n", "pass_unfit", "stages.province.fast_tracks.fast.passes.0", ""),
    "a fast track past a publicity": ("  province:\n", "  province:\n    fast_tracks: [{id: fast, who: {id: f, fact: frontline_worker, op: \"==\", value: true}, passes: [§publicity]}]\n", "pass_unfit", "stages.province.fast_tracks.fast.passes.0", ""),
    "a fast track past a rank": ("  county:\n", "  county:\n    fast_tracks: [{id: fast, who: {id: f, fact: frontline_worker, op: \"==\", value: true}, passes: [§endorsement]}]\n", "pass_unfit", "stages.county.fast_tracks.fast.passes.0", ""),
    "a fast track past nothing known": ("  enterprise:\n", "  enterprise:\n    fast_tracks: [{id: fast, who: {id: f, fact: frontline_worker, op: \"==\", value: true}, passes: [§eligibilty]}]\n", "pass_unfit", "stages.enterprise.fast_tracks.fast.passes.0", "eligibility"),
    "a fast track for an unknown fact": ("  enterprise:\n", "  enterprise:\n    fast_tracks: [{id: fast, who: {id: f, fact: §frontline_workr, op: \"==\", value: true}, passes: [eligibility]}]\n", "fact_unknown", "stages.enterprise.fast_tracks.fast.who.fact", "frontline_worker"),
    "two fast tracks of one id": ("  enterprise:\n", "  enterprise:\n    fast_tracks: [{id: fast, who: {id: f, fact: frontline_worker, op: \"==\", value: true}, passes: [eligibility]}, {id: §fast, who: {id: f, fact: frontline_worker, op: \"==\", value: true}, passes: [eligibility]}]\n", "id_repeated", "stages.enterprise.fast_tracks", ""),
    "an id used twice": ("{id: publicity,", "{id: §final,", "id_repeated", "stages.province.steps", ""),
    # components
    "a weight on nothing": ("{component: public,", "{component: §publik,", "component_unknown", "stages.province.steps.final.weights.1.component", "public"),
    "a recommendation that nobody ranks": ("ranked: true, ", "", "component_unknown", "stages.county.steps.selection.weights.0.component", "", ("{component: recommendation", "{component: §recommendation")),
    "a tie-breaker of no component": (FINAL_TIES, "ties: [§exprt, authority]", "component_unknown", "stages.province.steps.final.ties.0", "expert"),
    "a tie-breaker after the authority": (FINAL_TIES, "ties: [§authority, expert]", "authority_not_last", "stages.province.steps.final.ties.0", ""),
    "a component measured twice": ("type: public_vote", "type: public_vote\n        component: expert", "component_repeated", "stages.province.steps.vote", "", ("id: vote", "§id: vote")),
    # selection
    "a differential below one": ('differential: "3/2"', 'differential: §"2/3"', "differential_below_one", "stages.province.steps.final.differential", ""),
    "a shortlist that is too short": ('differential: "3/2"', 'differential: §"2"', "candidates_too_few", "stages.province.steps.final.differential", ""),
    "more seats than the shortlist": ('seats: 6\n        differential: "3/2"', "seats: §11", "candidates_too_few", "stages.province.steps.final.seats", ""),
    "a base that leads back": ('share: "35%"}', 'share: "35%", base: §cap}', "base_circle", "stages.province.steps.final.shares.floor.base", "", ('share: "50%"', 'share: "50%", base: floor')),
    "taking in equals, then a tie-breaker": (FINAL_TIES, "ceiling: 8\n        ties: [§include_all, expert]", "include_all_not_last", "stages.province.steps.final.ties.0", ""),
    "taking in equals without end": (FINAL_TIES, "ties: §[include_all]", "ceiling_alone", "stages.province.steps.final.ties", ""),
    "a ceiling that nothing reaches": (FINAL_TIES, "ties: [expert]\n        ceiling: §8", "ceiling_alone", "stages.province.steps.final.ceiling", ""),
    "a ceiling at the seats": (FINAL_TIES, "ties: [include_all]\n        ceiling: §6", "ceiling_low", "stages.province.steps.final.ceiling", ""),
    "a minimum score that nobody can have": (FINAL_TIES, FINAL_TIES + "\n        minimum_score: §101", "minimum_unreachable", "stages.province.steps.final.minimum_score", ""),
    "a minimum score beyond all bonuses": (FINAL_TIES, FINAL_TIES + '\n        prefer: [{id: boaters, who: {id: b, fact: sector, op: "==", value: boats}, bonus: "1.5"}]\n        minimum_score: §102', "minimum_unreachable", "stages.province.steps.final.minimum_score", ""),
    "categories beyond the seats": (FINAL_TIES, 'categories: §[{id: boaters, who: {id: b, fact: sector, op: "==", value: boats}, seats: 7}]', "part_seats_exceed", "stages.province.steps.final.categories", ""),
    "a track beyond the seats": (FINAL_TIES, 'off_quota: §[{id: boaters, who: {id: b, fact: sector, op: "==", value: boats}, seats: 7}]', "part_seats_exceed", "stages.province.steps.final.off_quota", ""),
    "a class named as a rule is": (FINAL_TIES, 'classes: [{id: floor, fact: sector, op: "==", value: boats}]', "class_repeated", "stages.province.steps.final.shares.floor", "", ("{id: floor, who", "§{id: floor, who")),
    "a preference named as a component": (FINAL_TIES, 'prefer: [§{id: expert, who: {id: b, fact: sector, op: "==", value: boats}}]', "component_repeated", "stages.province.steps.final.prefer.expert", ""),
    "seats of children said twice": (FINAL_TIES, 'children: §{max: 1, allot: [{figure: headcount, share: "100%"}]}', "children_form", "stages.province.steps.final.children", ""),
    "seats allotted in part": (FINAL_TIES, 'children: §{allot: [{figure: headcount, share: "50%"}]}', "allot_not_whole", "stages.province.steps.final.children", ""),
    "seats allotted by what no unit has": (FINAL_TIES, 'children: {allot: [{figure: §headcount, share: "100%"}]}', "figure_unknown", "stages.province.steps.final.children.allot.0.figure", ""),
    "a title that excludes nothing known": ("{id: helper, label: {zh: 助手}}", "{id: helper, label: {zh: 助手}, exclusive_with: [§pilott]}", "title_unknown", "titles.helper.exclusive_with.0", "pilot"),
    "grades that exclude each other, both given": ("[{title: pilot, seats: 5}]", "[{title: pilot, seats: 5, also: true}, {title: §helper, seats: 1}]", "grades_exclusive", "stages.province.steps.conferral.grades.1.title", "", ("{id: helper, label: {zh: 助手}}", "{id: helper, label: {zh: 助手}, exclusive_with: [pilot]}")),
    "a base of no rule": ('share: "50%"', 'share: "50%", base: §flor', "base_unknown", "stages.province.steps.final.shares.cap.base", "floor"),
    "a floor above a cap": (FLOOR, FLOOR + '\n          - {id: low, who: {id: l, fact: frontline_worker, op: "!=", value: false}, op: "<=", share: "30%"}', "floor_over_cap", "stages.province.steps.final.shares.floor", "", ("{id: floor, who", "§{id: floor, who")),
    "exclusive floors over the whole": (FLOOR, "§" + floors(("docks", "60%"), ("nets", "50%")), "floors_exceed_whole", "stages.province.steps.final.shares.f_docks", ""),
    "floors that round up over the seats": (FLOOR, "§" + floors(("boats", "34%"), ("docks", "33%"), ("nets", "33%"), more=", base: seats"), "floors_exceed_seats", "stages.province.steps.final.shares.f_boats", ""),
    # facts, titles, rewards
    "an unknown fact": ("fact: years_in_craft", "fact: §year_in_craft", "fact_unknown", "stages.enterprise.steps.eligibility.predicates.craft.fact", "years_in_craft"),
    "an operator that does not fit": ('op: "==", value: true', 'op: §">", value: true', "operator_unfit", "stages.province.steps.final.shares.floor.who.op", ""),
    "a value of the wrong type": ("value: 5}", 'value: §"5"}', "value_unfit", "stages.enterprise.steps.eligibility.predicates.craft.value", ""),
    "a choice that is none": ("value: boats", "value: §boat", "value_unfit", "stages.province.steps.final.shares.cap.who.value", "boats"),
    "a day of the month for a date": ("subject:", "cadence: {every: 1y, anchor: §15}\nsubject:", "date_form", "cadence.anchor", ""),
    "a date that no calendar has": ("subject:", "cadence: {every: 1y, anchor: §2026-02-30}\nsubject:", "date_form", "cadence.anchor", ""),
    "a date that is none": ('fact: years_in_craft, op: ">=", value: 5', 'fact: born_on, op: ">=", value: §2001-02-30', "value_unfit", "stages.enterprise.steps.eligibility.predicates.craft.value", ""),
    "a choice without values": ("of: [boats, docks, nets]", "of: []", "choice_without_values", "facts.sector", "", ("sector: {type", "sector: §{type")),
    "values of no choice": ("{type: date, label: {zh: 出生}", "{type: date, label: {zh: 出生}, of: §[a]", "values_without_choice", "facts.born_on.of", ""),
    "an unknown title": ("grades: [{title: pilot, seats: 5}]", "grades: [{title: §pilots, seats: 6}]", "title_unknown", "stages.province.steps.conferral.grades.0.title", "pilot"),
    "a title given twice": ("[{title: pilot, seats: 5}]", "[{title: pilot, seats: 2}, {title: §pilot, seats: 2}]", "title_repeated", "stages.province.steps.conferral.grades.1.title", ""),
    "a grade that takes all": ("[{title: pilot, seats: 5}]", "[§{title: pilot}, {title: helper}]", "grade_takes_all", "stages.province.steps.conferral.grades.0", ""),
    "more grades than seats": ("[{title: pilot, seats: 5}]", "§[{title: pilot, seats: 5}, {title: helper, seats: 2}]", "grade_seats_exceed", "stages.province.steps.conferral.grades", ""),
    "a pool of an unknown title": ("holder_of: [helper]", "holder_of: [§helpr]", "title_unknown", "stages.county.pool.holder_of.0", "helper"),
    "a pool from above": ("holder_of: [helper]", "holder_of: [§pilot]", "pool_not_below", "stages.county.pool.holder_of.0", ""),
    "a reward for an unknown title": ("{title: pilot, type: cash", "{title: §pillot, type: cash", "title_unknown", "rewards.0.title", "pilot"),
    "cash without an amount": ("  - {title: pilot, type: cash, amount_fen: 100", "  - §{title: pilot, type: cash", "amount_missing", "rewards.0", ""),
    "an entitlement with an amount": ("{title: pilot, type: cash", "§{title: pilot, type: entitlement", "amount_unfit", "rewards.0", ""),
    "the same reward twice": (REWARD, REWARD + REWARD.replace("- {", "- §{"), "reward_repeated", "rewards.1", ""),
    "instalments of nothing": ("type: cash, amount_fen: 100", "type: instalments", "instalments_form", "rewards.0", "", ("- {title: pilot", "- §{title: pilot")),
    "payers who do not pay all": ("amount_fen: 100", 'amount_fen: 100, payers: [{id: union, share: "50%"}]', "payers_not_whole", "rewards.0", "", ("- {title: pilot", "- §{title: pilot")),
    "a title that requires an unknown one": ("{id: pilot, label", "{id: pilot, requires: {title: §helpr}, label", "title_unknown", "titles.pilot.requires.title", "helper"),
    "a title that requires itself": ("{id: pilot, label", "{id: pilot, requires: §{title: pilot}, label", "requires_circle", "titles.pilot.requires", ""),
    "a condition of two kinds": ("value: 5}", "value: 5, history: {kind: holds, titles: [pilot]}}", "condition_form", CRAFT, "", ("{id: craft", "§{id: craft")),
    "a condition of no kind": ('fact: years_in_craft, op: ">=", value: 5', "severity: report", "condition_form", CRAFT, "", ("{id: craft", "§{id: craft")),
    "a fact without an operator": (', op: ">=", value: 5', "", "condition_operator", CRAFT, "", ("{id: craft", "§{id: craft")),
    "a count of nothing": ('fact: years_in_craft, op: ">=", value: 5', "history: §{kind: count, titles: [pilot]}", "history_number", f"{CRAFT}.history", ""),
    "an unknown fact within a choice": ('fact: years_in_craft, op: ">=", value: 5', 'any_of: [{id: inner, fact: §year_in_craft, op: ">=", value: 5}, {id: past, history: {kind: holds, titles: [pilot]}}]', "fact_unknown", f"{CRAFT}.any_of.inner.fact", "years_in_craft"),
    # units
    "a units file that is not there": ("file: units.csv", "file: §unit.csv", "file_missing", "units.file", ""),
    "a root of another rank": ('units: {file: units.csv, root: "9"}', 'units: {file: county.csv, root: §"901"}', "root_rank", "units.root", ""),
}  # fmt: skip


def spoil(folder: Path, change: Change) -> tuple[CheckReport, list[tuple[int, int]]]:
    (folder / "county.csv").write_text("code,parent,name,rank\n901,,测试县,county\n", encoding="utf-8")
    return checked(folder, (change[0], change[1]), *change[5:])


@pytest.mark.parametrize("change", FAULTS.values(), ids=FAULTS)
def test_a_fault_stands_where_it_was_made(tmp_path: Path, change: Change) -> None:
    report, positions = spoil(tmp_path, change)
    _, _, code, place, nearest = change[:5]
    assert Seen(code, place, *positions[0], nearest) in [seen(fault) for fault in report.faults]
    assert report.programme is None
    assert report.exit_code == 3


LONELY = {name for name in FAULTS if name not in {
    "ranks that go down", "routes that do not meet", "an unknown rank", "a score without a scale",
    "a bad identifier", "a component measured twice", "an id used twice", "no way in", "a root of another rank",
    "a pool from above", "a base that leads back",
}}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LONELY))
def test_one_slip_gives_one_fault(tmp_path: Path, name: str) -> None:
    report, _ = spoil(tmp_path, FAULTS[name])
    assert len(report.faults) == 1, [str(fault) for fault in report.faults]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("trim: {drop: 1, min_left: 3}", "trim: 3"), " [drop, min_left, otherwise]"),
        (("title: {zh: 测试项目, en: A test}", "title: 测试"), " [zh, en]"),
    ],
    ids=["a step's", "the programme's"],
)
def test_who_writes_no_mapping_is_told_its_keys(tmp_path: Path, edit: tuple[str, str], said: str) -> None:
    report, _ = checked(tmp_path, edit)
    [fault] = report.faults
    assert f"应为键值结构{said}，" in fault.zh
    assert f"A mapping is expected{said}, " in fault.en


def test_who_writes_an_unknown_key_is_told_the_nearest_or_all_that_there_are(tmp_path: Path) -> None:
    report, _ = checked(tmp_path, ("choices_max: 5}", "choices_max: 5, whatever: 1}"))
    assert report.faults[0].en == (
        "The key whatever is not known here [per_day, per_candidate_per_day, choices_min, choices_max, in_total, "
        "per_candidate_in_total, repeats]."
    )
    report, _ = checked(tmp_path, ("quota: 3", "quotta: 3"))
    assert report.faults[0].message("en") == "The key quotta is not known here. Did you mean quota?"


def test_more_than_none_of_a_quorum_or_a_vote_and_a_minimum_score_that_a_bonus_reaches_are_sound(
    tmp_path: Path,
) -> None:
    once = (
        '{id: congress, type: congress, period: {days: 5, unit: work_day}, quorum: "2/3", '
        'threshold: {share: "0%", comparator: ">", base: present}}'
    )
    bonus = 'prefer: [{id: boaters, who: {id: b, fact: sector, op: "==", value: boats}, bonus: "1.5"}]'
    for number, edit in enumerate(
        (
            ('quorum: "2/3"', 'quorum: "0%"\n        quorum_comparator: ">"'),
            ("  industry_union:\n    steps:\n", f"  industry_union:\n    steps:\n      - {once}\n"),
            (FINAL_TIES, f"{FINAL_TIES}\n        minimum_score: 100"),
            (FINAL_TIES, f'{FINAL_TIES}\n        {bonus}\n        minimum_score: "101.5"'),
        )
    ):
        assert checked(tmp_path / str(number), edit)[0].faults == ()


def test_seats_of_children_may_be_what_an_allocation_will_say_dr_06(tmp_path: Path) -> None:
    """`cycle start --seats FILE` gives the figure `seats`, which no units file need have."""
    children = f'{FINAL_TIES}\n        children: {{allot: [{{figure: seats, share: "100%"}}]}}'
    assert checked(tmp_path, (FINAL_TIES, children))[0].faults == ()


def test_a_criterion_is_a_component_that_breaks_ties_dr_16_dr_17(tmp_path: Path) -> None:
    rubric = 'mode: score\n        rubric: [{id: skill, label: {zh: 技}, share: "100%"}]'
    report, _ = checked(tmp_path, ("mode: score", rubric), (FINAL_TIES, "ties: [expert_skill, authority]"))
    assert report.faults == ()


UNIT_PUBLICITY = "      - {id: own, type: publicity, audience: unit, period: {days: 5, unit: work_day}}\n"
REGION_PUBLICITY = (
    "      - {id: region, type: publicity, audience: region, period: {days: 5, unit: work_day}}\n"
)
FLAG = ("subject: person\n", "subject: person\ntwo_reviews_three_publicities: true\n")
AT_ENTERPRISE = (
    "      - {id: conferral, type: conferral, body: office, grades: [{title: helper}]",
    UNIT_PUBLICITY,
)
AT_PROVINCE = ("      - id: review\n", REGION_PUBLICITY)


def before(edit: tuple[str, str]) -> tuple[str, str]:
    return edit[0], edit[1] + edit[0]


def test_two_reviews_and_three_publicities_stand_in_the_fixed_order_on_every_route_dr_28(
    tmp_path: Path,
) -> None:
    report, _ = checked(tmp_path / "sound", FLAG, before(AT_ENTERPRISE), before(AT_PROVINCE))
    assert report.faults == ()
    for number, edits in enumerate(
        (
            (FLAG,),
            (FLAG, before(AT_ENTERPRISE)),
            (FLAG, before(AT_PROVINCE)),
            (FLAG, before((AT_ENTERPRISE[0], REGION_PUBLICITY)), before((AT_PROVINCE[0], UNIT_PUBLICITY))),
        )
    ):
        report, _ = checked(tmp_path / str(number), *edits)
        assert [(fault.code, fault.path) for fault in report.faults] == [
            ("publicities_order", "routes.river"),
            ("publicities_order", "routes.trade"),
        ]


FAST = '    fast_tracks: [{id: fast, who: {id: f, fact: frontline_worker, op: "==", value: true}, passes: [endorsement]}]\n'


def test_a_fast_track_leaves_two_reviews_and_three_publicities_in_their_order_dr_28(tmp_path: Path) -> None:
    """The county's selection is a review too; of the union the endorsement is the only one."""
    sound = (FLAG, before(AT_ENTERPRISE), before(AT_PROVINCE))
    union = ("  industry_union:\n", "  industry_union:\n" + FAST)
    report, _ = checked(tmp_path, *sound, union)
    assert [(fault.code, fault.path) for fault in report.faults] == [
        ("publicities_passed_by", "routes.trade")
    ]
    assert "unit → region → review → public" in report.faults[0].en


def test_a_vote_may_be_passed_by_unless_its_result_is_weighed(tmp_path: Path) -> None:
    vote = 'mode: vote\n        threshold: {share: "1/2", comparator: ">", base: present}'
    fast = FAST.replace("[endorsement]", "[review]")
    edits = [
        ("  province:\n", "  province:\n" + fast),
        ("mode: score", vote),
        ('        scale: {minimum: 0, maximum: 100, step: "0.5"}\n', ""),
        ("        trim: {drop: 1, min_left: 3}\n", ""),
    ]
    weighed, _ = checked(tmp_path / "weighed", *edits)
    assert [fault.code for fault in weighed.faults] == ["pass_unfit"]
    apart = [
        (
            "id: review\n        type: expert_review",
            "id: review\n        type: expert_review\n        component: visit",
        )
    ]
    by_votes = [
        ('weights: [{component: expert, share: "100%"}]', 'weights: [{component: public, share: "100%"}]'),
        (
            '[{component: expert, share: "70%"}, {component: public, share: "30%"}]',
            '[{component: public, share: "100%"}]',
        ),
        (FINAL_TIES, "ties: [authority]"),
    ]
    report, _ = checked(tmp_path / "apart", *edits, *apart, *by_votes)
    assert report.faults == ()
