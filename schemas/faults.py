"""A fault in a file that somebody wrote: where it stands, what was expected, in Chinese and English, and the nearest word."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from schemas.ledger import Frozen

Place = tuple[str | int, ...]
"""The way to a value: keys, and ids or positions in lists."""

# code: (中文, English); `{name}` is filled from the fault's facts.
WORDS: dict[str, tuple[str, str]] = {
    # the file and its YAML
    "file_missing": ("找不到文件 {file}。", "There is no file {file}."),
    "file_too_large": ("文件超过 {limit} 字节。", "The file is larger than {limit} bytes."),
    "not_utf8": ("文件不是 UTF-8 编码。", "The file is not UTF-8 text."),
    "yaml_broken": ("YAML 语法错误：{problem}。", "The YAML cannot be read: {problem}."),
    "one_document": ("一个文件只写一份文档。", "A file holds one document."),
    "too_many_nodes": (
        "展开后超过 {limit} 个值（别名过多？）。",
        "More than {limit} values after expansion (too many aliases?).",
    ),
    "too_many_aliases": ("别名超过 {limit} 个。", "More than {limit} aliases."),
    "too_deep": ("嵌套超过 {limit} 层。", "Nested deeper than {limit} levels."),
    "alias_unknown": (
        "别名 *{name} 没有对应的锚点。",
        "The alias *{name} has no anchor that is complete before it.",
    ),
    "tag_refused": ("不接受 YAML 标签 {tag}。", "The YAML tag {tag} is not accepted."),
    "key_not_text": ("键必须是文字。", "A key is plain text."),
    "key_repeated": (
        "键 {key} 重复，首次出现在第 {first} 行。",
        "The key {key} is repeated; it first stands in line {first}.",
    ),
    "id_repeated": ("编号 {id} 在同一列表中重复。", "The id {id} is used twice in one list."),
    "float_refused": (
        '不接受小数 {value}；比例的唯一写法是 "35%" 这样的字符串，其他小数写成 "9.5"。',
        'The float {value} is not accepted: a share is written "35%", in quotes, another decimal "9.5".',
    ),
    "integer_refused": (
        "{value} 不是可接受的整数；请用不超过 15 位的十进制数字。",
        "{value} is no accepted integer: use decimal digits, at most 15.",
    ),
    "assumed_form": (
        "假设值写作 {{assumed: 值, why: 理由}}，理由不可缺。",
        "An assumption is written {{assumed: VALUE, why: TEXT}}; the reason is part of it.",
    ),
    "assumed_key": ("键 {key} 不属于假设值。", "The key {key} is not part of an assumption."),
    "mapping_wanted": ("此处应为键值结构。", "A mapping of keys and values is expected here."),
    # extends
    "extends_form": (
        "extends 写作 programme@edition，例如 sichuan-craftsman@1。",
        "extends is written programme@edition, such as sichuan-craftsman@1.",
    ),
    "extends_cycle": ("extends 形成循环：{chain}。", "extends runs in a circle: {chain}."),
    "extends_mismatch": (
        "{file} 不是所引用的项目和届次。",
        "{file} is another programme or edition than the one referred to.",
    ),
    "remove_unknown": ("没有编号为 {id} 的内容可删除。", "There is nothing with the id {id} to remove."),
    # shape
    "missing": ("缺少必需的键 {key}。", "The key {key} is required."),
    "extra_forbidden": ("未知的键 {key}{known}。", "The key {key} is not known here{known}."),
    "int_type": ("应为整数，写的是 {input}。", "An integer is expected, not {input}."),
    "bool_type": ("应为 true 或 false，写的是 {input}。", "true or false is expected, not {input}."),
    "string_type": ("应为文字，写的是 {input}。", "Text is expected, not {input}."),
    "list_type": ("应为列表，写的是 {input}。", "A list is expected, not {input}."),
    "mapping_type": ("应为键值结构{known}，写的是 {input}。", "A mapping is expected{known}, not {input}."),
    "date_form": ("日期写作 2026-01-31，写的是 {input}。", "A date is written 2026-01-31; this is {input}."),
    "identifier_form": (
        "{input} 不是合格的标识；应以小写字母开头，只含小写字母、数字和“_”（项目名用“-”）。",
        "{input} is no identifier: lower-case letters, digits and _ (- in a programme's name), a letter first.",
    ),
    "one_of": ("{input} 不在可选值之内：{expected}。", "{input} is not one of {expected}."),
    "greater_than": ("应大于 {gt}，写的是 {input}。", "More than {gt} is expected, not {input}."),
    "greater_than_equal": ("应不小于 {ge}，写的是 {input}。", "At least {ge} is expected, not {input}."),
    "too_short": ("至少应有 {min_length} 项。", "At least {min_length} item(s) are expected."),
    "share_form": (
        '比例写作 "35%" 或 "2/3" 这样的字符串，介于 0 与 100% 之间；写的是 {input}。',
        'A share is written "35%" or "2/3", in quotes, from 0 to 100 %; this is {input}.',
    ),
    "exact_form": (
        '分数写作整数或字符串 "9.5"、"5/3"；写的是 {input}。',
        'An exact number is an integer or a string such as "9.5" or "5/3"; this is {input}.',
    ),
    "scale_form": (
        "量表须从最小值到更大的最大值，步长为正。",
        "A scale runs from a minimum up to a larger maximum in positive steps.",
    ),
    "scale_missing": ("按评分评审须有 scale。", "A review by score needs a scale."),
    "threshold_missing": ("按表决评审须有 threshold。", "A review by vote needs a threshold."),
    "time_form": (
        '时刻写作 "09:00" 这样的字符串，00:00 至 23:59；写的是 {input}。',
        'A time of day is written "09:00", in quotes, from 00:00 to 23:59; this is {input}.',
    ),
    "closes_form": (
        "closes 须晚于 00:00；只有一日且计当日（count_first_day）的期限不写 closes：可能未开始即已截止。",
        "closes is after 00:00, and not of one day that counts from its opening: that could end before it opens.",
    ),
    "velocity_counts": (
        "velocity 规则须写 papers 或 voters 之一，不能都写或都不写。",
        "A velocity rule counts either papers or voters, one of the two.",
    ),
    "display_times": (
        "display 为 provisional 时须写 at，为 hidden 时不写。",
        "Provisional counts have times (at), hidden ones have none.",
    ),
    "weights_not_whole": (
        "权重合计 {total}，不是 100%。",
        "The weights add up to {total}, not exactly 100%.",
    ),
    "weight_repeated": ("{component} 重复计权。", "{component} is weighted twice."),
    "value_refused": (
        "此值不可接受：{input}（{problem}）。",
        "The value {input} is not accepted: {problem}.",
    ),
    "less_than_equal": ("应不大于 {le}，写的是 {input}。", "At most {le} is expected, not {input}."),
    # units
    "csv_broken": ("CSV 无法读取：{problem}。", "The CSV cannot be read: {problem}."),
    "column_unknown": ("未知或重复的列 {column}。", "The column {column} is not known, or stands twice."),
    "column_missing": ("缺少列 {column}。", "The column {column} is missing."),
    "row_width": ("此行有 {count} 格，应为 {wanted} 格。", "The row has {count} cells, not {wanted}."),
    "cell_empty": ("{column} 不能为空。", "{column} must not be empty."),
    "control_character": (
        "名称中有控制字符；请重新键入。",
        "The name holds a control character: type it anew.",
    ),
    "code_form": (
        "{input} 不是合格的代码；只含字母、数字、“-”和“_”。",
        "{input} is no code: letters, digits, - and _, at most 40.",
    ),
    "code_repeated": (
        "代码 {code} 重复，首次出现在第 {first} 行。",
        "The code {code} is repeated; it first stands in line {first}.",
    ),
    "parent_unknown": ("{code} 的上级 {parent} 不存在。", "The parent {parent} of {code} is not there."),
    "parent_not_above": (
        "{code}（{rank}）不能隶属于 {parent}（{above}）：上级的层级须更高。",
        "{code} ({rank}) cannot hang below {parent} ({above}): a parent's rank is strictly higher.",
    ),
    "industry_unknown": (
        "{code} 的行业工会 {industry} 不存在，或不是行业工会；此列写行业工会的代码。",
        "{industry}, the industry union of {code}, is not there or is none: the code of an industry_union is wanted.",
    ),
    "root_missing": ("找不到根单位 {root}。", "There is no root unit {root}."),
    "root_twice": ("{code} 没有上级，而根单位是 {root}。", "{code} has no parent, but the root is {root}."),
    "root_has_parent": (
        "根单位 {code} 不能有上级：文件只写根单位及其下级。",
        "The root {code} has a parent: the file holds the root and what lies below it, and nothing above.",
    ),
    "unit_cycle": ("单位隶属形成循环：{chain}。", "The units hang in a circle: {chain}."),
    # how the parts fit together
    "ranks_not_ascending": (
        "路径须逐级向上：{below} 之后不能是 {above}。",
        "A route goes up: {above} cannot follow {below}.",
    ),
    "summits_differ": (
        "各路径须在同一层级汇合：{rank} 与 {summit} 不同。",
        "All routes meet at one rank: {rank} is not {summit}.",
    ),
    "stage_missing": (
        "路径 {route} 经过 {rank}，但没有该层级的阶段；要跳过请从路径中删去。",
        "The route {route} passes {rank}, which has no stage; to skip it, leave it out of the route.",
    ),
    "stage_unused": ("没有路径经过 {rank} 阶段。", "No route passes the stage {rank}."),
    "nothing_below": (
        "{rank} 以下没有层级，无须等待上报。",
        "Nothing lies below {rank} on any route: there are no reports to wait for.",
    ),
    "sponsors_of_none": (
        "没有联名渠道（joint），不需要 sponsors_min。",
        "No channel is joint, so nobody is asked for sponsors.",
    ),
    "intake_not_first": (
        "intake 只能是阶段的第一步。",
        "An intake is the first step of its stage, and the only one.",
    ),
    "intake_missing": (
        "路径从 {rank} 起步，但该阶段没有 intake。",
        "A route begins at {rank}, whose stage has no intake.",
    ),
    "step_out_of_order": (
        "{step} 不能在 {after} 之后，请移到其前。",
        "A {step} cannot come after the {after}: put it before.",
    ),
    "conferral_twice": ("一个阶段只有一次命名。", "A stage has one conferral."),
    "choice_without_values": (
        "选择型事实 {fact} 须用 of 列出可选值。",
        "The fact {fact} is a choice and needs its values in `of`.",
    ),
    "values_without_choice": (
        "只有选择型事实有 of；{fact} 不是。",
        "Only a choice has `of`; {fact} is none.",
    ),
    "fact_unknown": ("未声明的事实 {fact}。", "The fact {fact} is not declared."),
    "operator_unfit": (
        "{type} 型事实不能用 {op}；可用 {allowed}。",
        "The operator {op} does not fit a fact of type {type}: {allowed} do.",
    ),
    "value_unfit": (
        "{value} 不是事实 {fact} 的取值；应为 {wanted}。",
        "{value} is no value of the fact {fact}; it takes {wanted}.",
    ),
    "scores_min_over_panel": (
        "最少评分 {scores} 份，但评委只有 {size} 人。",
        "{scores} scores are asked of a panel of {size}.",
    ),
    "trim_never": (
        "去掉极值至少需要 {needed} 份评分，但评委只有 {size} 人。",
        "Trimming needs {needed} scores, the panel has {size} judges.",
    ),
    "step_uneven": ("步长 {step} 不能整除量表范围。", "The scale is no whole number of steps of {step}."),
    "groups_by_choice": (
        "分组须按选择型事实；{fact} 为 {type} 型。",
        "Groups are by a choice, whose values they are; {fact} is of type {type}.",
    ),
    "kinds_over_panel": (
        "各类评委至少共 {wanted} 人，但评委只有 {size} 人。",
        "The kinds ask for {wanted} judges, the panel has {size}.",
    ),
    "minimum_form": (
        "最短期限须与公示期同一单位，且不长于公示期。",
        "A minimum is in the period's own unit, and not longer than the period.",
    ),
    "limits_form": (
        "递补限制须写 times_max、within、after_vetting: false 之一；不限则写 true。",
        "Limits of substitution are times_max, within or after_vetting: false; write true for none.",
    ),
    "limits_of_nothing": (
        "此前的遴选没有候补（reserve），无从递补，也就无可限制。",
        "No selection before it keeps a reserve: nobody could come in, and there is nothing to limit.",
    ),
    "vetting_nowhere": (
        "没有征求部门意见（clearance）的环节，after_vetting 无从适用。",
        "No stage asks departments (clearance), so no seat is ever lost by their word.",
    ),
    "publicities_order": (
        "{route} 一路的公示与评审为 {found}，两审三公示须为 {wanted}。",
        "Publicities and reviews on {route} are {found}; two reviews and three publicities are {wanted}.",
    ),
    "training_unpublished": (
        "集中培训须在本阶段的公示之后。",
        "A training comes after the publicity of its stage.",
    ),
    "pass_unfit": (
        "{step} 不是可以免经的环节；本阶段可免经的有：{known}。",
        "{step} is no step that may be passed by; in this stage there is {known}.",
    ),
    "publicities_passed_by": (
        "绿色通道使 {route} 一路只剩 {found}，两审三公示须为 {wanted}。",
        "Fast tracks leave {found} of {route}; two reviews and three publicities are {wanted}.",
    ),
    "mode_unfit": ("{mode} 方式的评审不用 {key}。", "A review by {mode} has no {key}."),
    "stuffing_without_adjudication": (
        "有 stuffing 规则的投票须有 adjudication：暂扣的选票须有期限处理。",
        "A vote with rules against stuffing needs an adjudication: held papers need a time in which they are ruled on.",
    ),
    "ladder_falls": (
        "{act} 的门槛低于前一级：处置阶梯须由轻到重、门槛不降。",
        "{act} has a lower share than the act before it: a ladder only rises, and names an act once.",
    ),
    "limits_crossed": ("{less} 不能大于 {more}。", "{less} cannot be more than {more}."),
    "component_repeated": (
        "组成项 {component} 在本阶段出现两次。",
        "The component {component} is measured twice in this stage.",
    ),
    "component_unknown": (
        "此前没有步骤产生组成项 {component}；可用：{known}。",
        "No earlier step of this stage gives {component}; there is {known}.",
    ),
    "authority_not_last": (
        "authority 之后不能再有其他依据。",
        "authority decides: nothing can come after it.",
    ),
    "differential_below_one": ("差额 {ratio} 小于 1。", "The differential {ratio} is below 1."),
    "minimum_unreachable": (
        "最低分 {minimum} 无人能达到：各分项折算为百分制，连同加分最高为 {most}。",
        "Nobody can have the minimum score {minimum}: components are on 0 to 100, so that {most} is the most, bonuses included.",
    ),
    "candidates_too_few": (
        "至少需要 {needed} 名候选，但 {step} 只选 {seats} 名。",
        "{needed} candidates are needed, and {step} leaves {seats}.",
    ),
    "candidates_too_many": (
        "{step} 最多选出 {most} 名，其后的投票 {vote} 最多列 {maximum} 名候选人。",
        "{step} leaves up to {most}, and the vote {vote} after it takes at most {maximum} candidates.",
    ),
    "include_all_not_last": (
        "include_all 之后只能是 authority。",
        "After include_all only authority may follow.",
    ),
    "ceiling_alone": (
        "include_all 与 ceiling 须同时写明。",
        "include_all and ceiling go together: the one says that equals are taken in, the other up to how many.",
    ),
    "ceiling_low": (
        "ceiling {ceiling} 须大于名额 {seats}。",
        "The ceiling {ceiling} is not above the {seats} seats.",
    ),
    "part_seats_exceed": (
        "各部分名额合计 {wanted}，超过可用的 {seats}。",
        "The seats of these parts add up to {wanted}, and there are {seats}.",
    ),
    "class_repeated": (
        "名称 {name} 已被本环节的规则、类别或单列占用。",
        "The name {name} is already a rule, class, category or track of this selection.",
    ),
    "children_form": (
        "children 写 max 或 allot，二者取一。",
        "Seats of children are a max for each, or allotted by figures: one of both.",
    ),
    "allot_not_whole": (
        "分配名额的各项占比合计须为 100%。",
        "The shares by which seats are allotted add up to exactly 100%.",
    ),
    "figure_unknown": (
        "单位文件没有数据列 figure:{figure}；现有：{known}。",
        "The units file has no column figure:{figure}; there is {known}.",
    ),
    "figure_form": (
        "“{input}”不是非负整数。",
        "“{input}” is no whole number of 0 or more.",
    ),
    "grades_exclusive": (
        "{title} 与 {other} 互斥，但 {other} 的获得者仍留在名单中（also）。",
        "{title} excludes {other}, whose holders stay in line for it (also).",
    ),
    "base_unknown": ("未知的基数 {base}；可用：{known}。", "The base {base} is not known; there is {known}."),
    "base_circle": ("比例规则 {rule} 的基数形成循环。", "The base of {rule} leads back to it."),
    "caps_below_whole": (
        "上限 {rules} 涵盖全部取值，合计只有 {amount}，不足 100%。",
        "The caps {rules} are on classes that leave nobody out and allow {amount} together, less than 100%.",
    ),
    "floor_over_cap": (
        "下限高于上限：{rules}（{amount}）。",
        "A floor is above a cap on the same class: {rules} ({amount}).",
    ),
    "floors_exceed_whole": (
        "互斥类别的下限合计 {amount}，超过 100%：{rules}。",
        "The floors {rules} are on classes that exclude each other and add up to {amount}, over 100%.",
    ),
    "floors_exceed_seats": (
        "各下限进位后合计超过名额（{amount}）：{rules}。",
        "The floors {rules}, each rounded up, ask for more than the seats ({amount}).",
    ),
    "title_unknown": ("未声明的称号 {title}。", "The title {title} is not declared."),
    "title_repeated": ("称号 {title} 重复。", "The title {title} is given twice."),
    "grade_takes_all": (
        "{title} 未写名额，会用尽所有人，其后的等次无人可授。",
        "{title} has no seats and takes all that are left: nobody remains for the next.",
    ),
    "word_repeated": ("{word} 在同一列表中重复。", "{word} stands twice in one list."),
    "route_repeated": (
        "路径 {route} 与 {other} 的层级相同。",
        "The route {route} leads through the same ranks as {other}.",
    ),
    "more_than_all": (
        "多于全部永远达不到；“全体”写作比较符 >=。",
        "More than all is never reached: all of them is written with >=.",
    ),
    "quorum_of_none": (
        "法定人数为零，无人到会也算数；至少一人写作比较符 >。",
        "A quorum of nobody is always met: at least one is written with >.",
    ),
    "threshold_of_none": (
        "门槛为零，无人同意也通过；至少一人同意写作比较符 >。",
        "A threshold of nothing passes whom nobody approves of: at least one is written with >.",
    ),
    "grade_unranked": (
        "本层级没有遴选排序，无从确定谁得 {title} 的名额；请在命名之前加 selection。",
        "No selection of this stage says who the first are, so nobody can say whose the seats of {title} are: add one before.",
    ),
    "grade_seats_exceed": (
        "各等次名额 {wanted} 超过入选名额 {seats}。",
        "The grades want {wanted}, the selection has {seats} seats.",
    ),
    "pool_not_below": ("{title} 不是由 {rank} 以下的层级命名的。", "No stage below {rank} confers {title}."),
    "amount_missing": ("现金奖励须写 amount_fen（分）。", "A reward in cash needs amount_fen."),
    "amount_unfit": ("礼遇没有金额。", "An entitlement has no amount."),
    "reward_repeated": (
        "称号 {title} 的奖励 {item} 重复；请分别写 id。",
        "The title {title} has the reward {item} twice: give each an id.",
    ),
    "requires_circle": ("称号 {title} 的前置称号形成循环。", "What {title} requires leads back to it."),
    "history_number": (
        "count、consecutive、best_rank 须写 number；holds、not_held 不得写。",
        "count, consecutive and best_rank have a number; holds and not_held have none.",
    ),
    "condition_form": (
        "条件须恰有其一：fact、history、any_of、all_of。",
        "A condition has exactly one of fact, history, any_of, all_of.",
    ),
    "condition_operator": (
        "对 fact 的判断须同时写明 op 和 value。",
        "A test on a fact has both op and value.",
    ),
    "instalments_form": (
        "分期须写各期金额 instalments，或写 amount_fen 与期数 parts。",
        "Instalments are a list of amounts, or amount_fen in a number of parts.",
    ),
    "payers_not_whole": (
        "各出资方份额合计应恰为 100%，且不重复。",
        "The payers' shares add up to exactly 100 %, each payer once.",
    ),
    "root_rank": (
        "根单位 {root} 的层级是 {rank}，而路径汇合于 {summit}。",
        "The root {root} is a {rank}, and the routes meet at {summit}.",
    ),
    "points_attested": (
        "points 由积分账簿认定（attested: engine），不由申报人填写。",
        "points is what the ledger says, attested: engine, and not the submitter's to write.",
    ),
    "anchor_day": (
        "起始日 {day} 须在每月 1 至 28 日之间。",
        "The anchor {day} is no day of every month: it is one from 1 to 28.",
    ),
    "cap_below_seats": (
        "入库上限 {cap} 低于一批的名额 {seats}，任何一批都不能开启。",
        "The cap {cap} is below the {seats} seats of one batch: none could be opened.",
    ),
    "engine_fact": (
        "系统不能认定事实 {fact}；可认定（不可必填）：{known}。",
        "The engine cannot attest {fact}: it can attest {known}, none of them required.",
    ),
    "feed_nowhere": (
        "feeder {feeder} 的优胜者无处进入：没有 intake 的渠道含 feed。",
        "The winners of the feeder {feeder} have no way in: no intake has the channel feed.",
    ),
    "minimum_of_nobody": (
        "该 intake 只接收 feed，没有单位申报，不能写 quota_min。",
        "This intake takes winners of feeders alone: there is no unit of which a minimum (quota_min) is asked.",
    ),
    "members_of_none": ("本项目不受理 {kind}。", "The programme takes no {kind}."),
    "feed_from_nowhere": (
        "渠道 feed 须有 feeders。",
        "The channel feed takes in the winners of feeders, and there are none.",
    ),
    # values that nobody has supplied yet
    "unknown_value": (
        "此值待定（?），填写后才能开启。",
        "This value is still open (?): supply it before a cycle is opened.",
    ),
}


class Mark(Frozen):
    """A position in a file; line and column count from 1, 0 where a fault has none. `sheet` is set in a workbook."""

    file: str
    line: int = 0
    column: int = 0
    sheet: str = ""


class Fault(Frozen):
    """One fault of a file. `path` is dotted; `nearest` is the known word that is most like the one written, or empty."""

    file: str
    line: int
    column: int
    path: str
    code: str
    zh: str
    en: str
    nearest: str = ""
    sheet: str = ""

    def message(self, language: str = "zh") -> str:
        """The sentence for a person, in `zh` or `en`, with the nearest word."""
        if language == "zh":
            return self.zh + (f"是否想写 {self.nearest}？" if self.nearest else "")
        return self.en + (f" Did you mean {self.nearest}?" if self.nearest else "")

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        if self.sheet:
            where = f"{self.file} {self.sheet} {column_letters(self.column - 1)}{self.line}"
        return f"{where}: {self.path + ': ' if self.path else ''}{self.message('zh')} / {self.message('en')}"


class FaultFound(Exception):
    """Reading cannot go on past this fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def fault_at(mark: Mark, place: Place, code: str, nearest: str = "", /, **facts: object) -> Fault:
    """A fault of that code, its sentences filled from `facts`."""
    zh, en = WORDS[code]
    return Fault(
        file=mark.file,
        line=mark.line,
        column=mark.column,
        path=dotted(place),
        code=code,
        zh=zh.format_map(facts),
        en=en.format_map(facts),
        nearest=nearest,
        sheet=mark.sheet,
    )


def column_letters(at: int) -> str:
    """A workbook's letters of a column counted from 0: A … Z, AA …"""
    return (column_letters(at // 26 - 1) if at >= 26 else "") + chr(ord("A") + at % 26)


def dotted(place: Place) -> str:
    """`stages.county.steps.review.period`, as people read a place."""
    return ".".join(str(part) for part in place)


def nearest_word(written: object, known: Iterable[str]) -> str:
    """The known word most like the one written, letters in the wrong order first; or nothing."""
    words = list(known)
    swapped = [word for word in words if sorted(word) == sorted(str(written))]
    return next(iter(swapped or get_close_matches(str(written), words, n=1, cutoff=0.6)), "")


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Faults by file, line and column, each once."""
    unique = {
        (fault.file, fault.line, fault.column, fault.path, fault.code, fault.en): fault for fault in faults
    }
    return tuple(
        sorted(unique.values(), key=lambda fault: (fault.file, fault.line, fault.column, fault.code))
    )
