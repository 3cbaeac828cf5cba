namespace Scheduler.Host.Configuration;

/// <summary>
/// Compares a configuration with the reference, which lists every key. A section of the reference with the member
/// <c>"&lt;name&gt;"</c> takes any names, and that member is what each of them has by default. A list of the reference with
/// the item <c>{ "&lt;item&gt;" { ... } }</c> is a list of sections, and that is what each of them has by default.
/// </summary>
/// <param name="reference">The resolved reference.</param>
/// <param name="mistakes">Where mistakes go; in place of what is wrong there is then what the reference has.</param>
internal sealed class KnownKeys(HoconObject reference, Mistakes mistakes)
{
    /// <summary>The member that stands for any name.</summary>
    public const string Template = "<name>";

    /// <summary>The member that stands for the sections of a list.</summary>
    public const string ItemTemplate = "<item>";

    /// <summary>Refuses unknown keys, and gives each named entry its defaults.</summary>
    /// <param name="configuration">Resolved, with the reference beneath, so that templates may have been
    /// changed.</param>
    /// <returns>The configuration without templates.</returns>
    /// <exception cref="HoconException">A key is unknown, or is a section where a value belongs, or the
    /// reverse, and mistakes are not collected.</exception>
    public HoconObject Complete(HoconObject configuration) => Complete([], configuration, reference);

    private HoconObject Complete(string[] path, HoconObject section, HoconObject known)
    {
        HoconObject? defaults = section.TryGet(Template, out HoconValue? template) ? template as HoconObject : null;
        List<KeyValuePair<string, HoconValue>> members = [];
        foreach ((string name, HoconValue value) in section.Members)
        {
            string[] at = [.. path, name];
            HoconValue? expected = known.TryGet(name, out HoconValue? same) ? same
                : known.TryGet(Template, out HoconValue? any) ? any
                : null;
            if (expected is null)
            {
                mistakes.Add(Unknown(at, value));
                continue;
            }

            HoconValue completed = Complete(at, value, expected);
            if (name == Template)
                continue;
            if (defaults is not null && completed is HoconObject entry)
                completed = entry.Over(defaults);
            members.Add(KeyValuePair.Create(name, completed));
        }

        return new HoconObject(section.Position, members);
    }

    private HoconValue Complete(string[] path, HoconValue value, HoconValue expected)
    {
        switch (expected, value)
        {
            case (HoconObject known, HoconObject section):
                return Complete(path, section, known);
            case (HoconList known, HoconList list) when SectionOf(known) is { } defaults:
                return CompleteItems(path, list, defaults);
            case (HoconList, HoconList list) when list.Items.All(item => item is HoconScalar { Text: not null }):
            case (HoconScalar, HoconScalar):
                return value;
            default:
                string name = HoconKey.Render([path[^1]]);
                string shape = expected switch
                {
                    HoconObject => $"is a section; write {name} {{ key = value }}",
                    HoconList known when SectionOf(known) is not null => SectionListShape(path),
                    HoconList => $"is a list of texts; write {name} = [\"first\", \"second\"]",
                    _ => $"is a single value; write {name} = value",
                };
                mistakes.Add(new HoconException(value.Position, HoconKey.Render(path), shape));
                return Complete(path, expected, expected);
        }
    }

    private HoconList CompleteItems(string[] path, HoconList list, HoconObject defaults)
    {
        List<HoconValue> items = [];
        foreach (HoconValue item in list.Items)
        {
            if (item is not HoconObject section)
                mistakes.Add(new HoconException(item.Position, HoconKey.Render(path), SectionListShape(path)));

            // The reference's own item is a description, not an item.
            else if (!section.TryGet(ItemTemplate, out _))
                items.Add(Complete(path, section, defaults).Over(defaults));
        }

        return new HoconList(list.Position, items);
    }

    private static string SectionListShape(string[] path) =>
        $"is a list of sections; write {HoconKey.Render([path[^1]])} = [{{ key = value }}]";

    private static HoconObject? SectionOf(HoconList known) =>
        known.Items is [HoconObject only] && only.TryGet(ItemTemplate, out HoconValue? item) ? item as HoconObject : null;

    private HoconException Unknown(string[] path, HoconValue value)
    {
        string? nearest = Nearest.To(path[^1], SiblingsOf(path)) is { } sibling
            ? HoconKey.Render([.. path[..^1], sibling])
            : Elsewhere(path);
        string hint = nearest is null ? "" : $"; did you mean {nearest}?";
        return new HoconException(value.Position, HoconKey.Render(path), $"unknown key{hint}");
    }

    private IEnumerable<string> SiblingsOf(string[] path)
    {
        HoconObject at = reference;
        foreach (string name in path[..^1])
        {
            HoconValue next = at.TryGet(name, out HoconValue? same) ? same : at[Template];
            at = next is HoconList list ? SectionOf(list)! : (HoconObject)next;
        }

        return at.Names.Where(name => name != Template);
    }

    /// <summary>A key of the same name that belongs in another section.</summary>
    private string? Elsewhere(string[] path) => Paths([], reference)
        .Where(known => known[^1] == path[^1])
        .Select(HoconKey.Render)
        .FirstOrDefault();

    private static IEnumerable<string[]> Paths(string[] path, HoconObject section) =>
        section.Members.SelectMany(member =>
        {
            string[] at = [.. path, member.Key];
            return member.Value is HoconObject inner ? Paths(at, inner).Prepend(at) : [at];
        });
}
