//! Configurations as people write them: random in content, layout and comments. Every comment names what it is about, so
//! that a test knows which ones may go with a removal.

/// Decisions, taken one after the other from random bytes; the smallest when they run out.
pub(super) struct Choices<'b> {
    bytes: std::slice::Iter<'b, u8>,
}

impl<'b> Choices<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes: bytes.iter() }
    }

    /// A number below `options`.
    pub(super) fn of(&mut self, options: usize) -> usize {
        usize::from(self.bytes.next().copied().unwrap_or(0)) % options.max(1)
    }

    pub(super) fn coin(&mut self) -> bool {
        self.of(2) == 1
    }

    pub(super) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.of(of.len())].clone()
    }
}

pub(super) const GLOBS: &[&str] = &["*haiku*", "*opus*", "claude-*"];

/// A text in the making.
struct Writer<'c, 'b> {
    choices: &'c mut Choices<'b>,
    out: String,
    comments: usize,
    /// Columns of indentation, and whether dashes are indented too.
    step: usize,
    dash: usize,
    apart: bool,
}

/// A configuration, with how many providers, profiles and routes are in it.
pub(super) struct Sample {
    pub(super) text: String,
    pub(super) providers: usize,
    pub(super) profiles: Vec<usize>,
    pub(super) routes: Vec<usize>,
}

/// Writes one.
pub(super) fn sample(choices: &mut Choices<'_>) -> Sample {
    let step = choices.one(&[2, 2, 4]);
    let dash = choices.one(&[step, 0]);
    let apart = choices.coin();
    let mut writer = Writer { choices, out: String::new(), comments: 0, step, dash, apart };
    if writer.choices.coin() {
        writer.out.push_str("# yaml-language-server: $schema=x\n");
    }
    let (mut providers, mut profiles, mut routes) = (0, Vec::new(), Vec::new());
    let mut sections: Vec<usize> = vec![0, 1, 2, 3];
    while !sections.is_empty() {
        let next = sections.remove(writer.choices.of(sections.len()));
        if writer.choices.of(4) == 0 {
            continue;
        }
        writer.blank();
        match next {
            0 => providers = writer.providers(),
            1 => profiles = writer.profiles(),
            2 => routes = writer.routes(),
            _ => writer.settings(),
        }
    }
    if writer.choices.coin() {
        writer.comment_line(0, "");
    }
    let Writer { mut out, choices, .. } = writer;
    if choices.of(8) == 0 && out.ends_with('\n') {
        out.pop();
    }
    if choices.of(4) == 0 {
        out = out.replace('\n', "\r\n");
    }
    if choices.of(8) == 0 {
        out.insert(0, '\u{feff}');
    }
    Sample { text: out, providers, profiles, routes }
}

impl Writer<'_, '_> {
    fn comment(&mut self, about: &str) -> String {
        self.comments += 1;
        let words = self.choices.one(&["note", "- name: parked", "key: old", "说明"]);
        format!("# {words} «{about}/{}»", self.comments)
    }

    fn comment_line(&mut self, at: usize, about: &str) {
        let comment = self.comment(about);
        self.out.push_str(&format!("{}{comment}\n", " ".repeat(at)));
    }

    /// Perhaps a comment on a line of its own.
    fn perhaps(&mut self, at: usize, about: &str) {
        if self.choices.of(4) == 0 {
            self.comment_line(at, about);
        }
    }

    fn blank(&mut self) {
        if self.apart && !self.out.is_empty() || self.choices.of(6) == 0 {
            self.out.push('\n');
        }
    }

    /// A line, perhaps with a comment at its end.
    fn line(&mut self, at: usize, text: &str, about: &str) {
        self.out.push_str(&format!("{}{text}", " ".repeat(at)));
        if self.choices.of(4) == 0 {
            let comment = self.comment(about);
            self.out.push_str(&format!("  {comment}"));
        }
        self.out.push('\n');
    }

    fn text(&mut self) -> String {
        self.choices.one(&["plain", "\"double\"", "'single'", "a b", "\"yes\"", "'it''s'", "中文"]).to_owned()
    }

    fn providers(&mut self) -> usize {
        let count = self.choices.of(4);
        let empty = self.choices.one(&["providers: []", "providers:", "providers: ~"]);
        if count == 0 {
            self.line(0, empty, "providers");
            return 0;
        }
        if self.choices.of(5) == 0 {
            self.flow_providers(count);
            return count;
        }
        self.line(0, "providers:", "providers");
        for index in 0..count {
            let about = format!("providers.{index}");
            if index > 0 {
                self.perhaps(self.dash, "providers");
                self.blank();
            }
            self.perhaps(self.dash, if self.apart && index > 0 { &about } else { "providers" });
            self.line(self.dash, &format!("- name: p{index}"), &about);
            self.provider(index, self.dash + 2, &about);
        }
        count
    }

    fn provider(&mut self, index: usize, at: usize, about: &str) {
        let quote = self.choices.one(&["", "\"", "'"]);
        self.line(at, &format!("base_url: {quote}https://p{index}.example{quote}"), about);
        self.perhaps(at, about);
        if self.choices.coin() {
            self.line(at, "enabled: true", &format!("{about}.enabled"));
        }
        match self.choices.of(4) {
            0 => {
                let text = self.text();
                self.line(at, "headers:", &format!("{about}.headers"));
                self.perhaps(at + self.step, &format!("{about}.headers"));
                self.line(at + self.step, &format!("X-A: {text}"), &format!("{about}.headers.X-A"));
                self.perhaps(at + self.step, &format!("{about}.headers"));
            }
            1 => {
                let inner = self.choices.one(&["{X-A: a, X-B: \"b, c\"}", "{ X-A: a }", "{}", ""]);
                self.line(at, &format!("headers: {inner}"), &format!("{about}.headers"));
            }
            2 => {
                let header = self.choices.one(&["|", ">-", "|-  ", "\"a\n         b\"", "|+"]);
                let lines = ["t1", "# no comment", "  t2"].map(|line| format!("\n{}{line}", " ".repeat(at + 2)));
                let rest = if header.starts_with('"') { String::new() } else { lines.concat() };
                self.out.push_str(&format!("{}health_model: {header}{rest}\n", " ".repeat(at)));
            }
            _ => {}
        }
        self.perhaps(at, about);
    }

    fn flow_providers(&mut self, count: usize) {
        let items: Vec<String> =
            (0..count).map(|index| format!("{{name: p{index}, base_url: https://p{index}.example}}")).collect();
        match self.choices.of(3) {
            0 => self.line(0, &format!("providers: [{}]", items.join(", ")), "providers"),
            kind => {
                self.line(0, "providers: [", "providers");
                for (index, item) in items.iter().enumerate() {
                    let comma = if index + 1 < count || kind == 2 { "," } else { "" };
                    self.line(2, &format!("{item}{comma}"), &format!("providers.{index}"));
                }
                self.out.push_str("]\n");
            }
        }
    }

    fn profiles(&mut self) -> Vec<usize> {
        let count = self.choices.of(4);
        if count == 0 {
            let empty = self.choices.one(&["profiles: {}", "profiles:"]);
            self.line(0, empty, "profiles");
            return Vec::new();
        }
        self.line(0, "profiles:", "profiles");
        let profile = |index| {
            let about = format!("profiles.q{index}");
            self.perhaps(self.step, "profiles");
            self.profile(index, &about)
        };
        (0..count).map(profile).collect()
    }

    fn profile(&mut self, index: usize, about: &str) -> usize {
        let count = self.choices.of(3);
        let items: Vec<String> = (0..count).map(|item| format!("{{provider: p{item}}}")).collect();
        let at = self.step;
        let name = self.choices.one(&["", "\""]);
        if self.choices.of(4) == 0 {
            let text = format!("{name}q{index}{name}: {{tier: primary, endpoints: [{}]}}", items.join(", "));
            self.line(at, &text, about);
            return count;
        }
        self.line(at, &format!("{name}q{index}{name}:"), about);
        self.perhaps(at * 2, about);
        self.line(at * 2, "tier: primary", &format!("{about}.tier"));
        if count == 0 {
            let empty = self.choices.one(&["endpoints: []", "endpoints:"]);
            self.line(at * 2, empty, about);
            return 0;
        }
        self.line(at * 2, "endpoints:", about);
        let braces = self.choices.coin();
        for item in 0..count {
            let about = format!("{about}.endpoints.{item}");
            if braces {
                self.line(at * 2 + self.dash, &format!("- {{provider: p{item}}}"), &about);
            } else {
                self.line(at * 2 + self.dash, &format!("- provider: p{item}"), &about);
                self.line(at * 2 + self.dash + 2, "weight: 5", &about);
            }
        }
        if self.choices.coin() {
            self.perhaps(at * 2 + self.dash, "profiles");
        }
        count
    }

    fn routes(&mut self) -> Vec<usize> {
        let count = 1 + self.choices.of(3);
        self.line(0, "model_routes:", "model_routes");
        let mut routes = Vec::new();
        for glob in &GLOBS[..count] {
            let quote = self.choices.one(&["\"", "'"]);
            let about = format!("model_routes.{glob}");
            let items = 1 + self.choices.of(2);
            if self.choices.of(4) == 0 {
                let inner = vec!["{provider: p0}"; items].join(", ");
                self.line(self.step, &format!("{quote}{glob}{quote}: [{inner}]"), &about);
            } else {
                self.line(self.step, &format!("{quote}{glob}{quote}:"), &about);
                for item in 0..items {
                    self.line(self.step + self.dash, "- {provider: p0}", &format!("{about}.{item}"));
                }
            }
            routes.push(items);
        }
        routes
    }

    fn settings(&mut self) {
        self.perhaps(0, "proxy");
        self.blank();
        match self.choices.of(3) {
            0 => self.line(0, "proxy: {port: 7861, allowed_hosts: [a.example]}", "proxy"),
            1 => {
                self.line(0, "proxy:", "proxy");
                self.line(self.step, "port: 7861", "proxy.port");
                self.perhaps(self.step, "proxy");
            }
            _ => {
                self.line(0, "proxy:", "proxy");
                self.line(self.step, "port: 7861", "proxy.port");
                self.line(self.step, "allowed_hosts:", "proxy.allowed_hosts");
                self.line(self.step + self.dash, "- a.example", "proxy.allowed_hosts.0");
                self.line(self.step + self.dash, "- \"b\"", "proxy.allowed_hosts.1");
            }
        }
    }
}
