using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

/// <summary>Parses and resolves HOCON and writes the outcome on one line, e.g. <c>{a:1,b:[x,{}],c:null}</c>.</summary>
internal static class HoconText
{
    public static string Outcome(string text, params (string Name, string Value)[] environment) =>
        Render(Resolve(text, environment));

    public static HoconObject Resolve(string text, params (string Name, string Value)[] environment)
    {
        HoconObjectNode root = new HoconParser(text, new HoconPosition("x.conf", 1), new HoconFiles()).ParseDocument();
        return Resolve(root, environment);
    }

    public static HoconObject Resolve(HoconObjectNode root, params (string Name, string Value)[] environment)
    {
        Dictionary<string, string> variables = environment.ToDictionary(item => item.Name, item => item.Value);
        return new HoconResolver(root, name => variables.GetValueOrDefault(name)).Resolve();
    }

    public static string Error(string text) => Assert.Throws<HoconException>(() => Resolve(text)).Message;

    public static string Render(HoconValue value) => value switch
    {
        HoconScalar scalar => scalar.Text ?? "null",
        HoconList list => $"[{string.Join(',', list.Items.Select(Render))}]",
        HoconObject members => $"{{{string.Join(',', members.Members.Select(m => $"{m.Key}:{Render(m.Value)}"))}}}",
        _ => throw new InvalidOperationException(),
    };
}
