using System.Text;

namespace Scheduler.Host.Configuration;

/// <summary>A file that lists every key with its default, and lies beneath those that are read; built into the program.</summary>
/// <param name="name">Its name in the repository, which is also that of the resource.</param>
internal sealed class ReferenceFile(string name)
{
    /// <summary>The text that this program was built with.</summary>
    public string Read()
    {
        using Stream stream = typeof(ReferenceFile).Assembly.GetManifestResourceStream(name)!;
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>The keys with their defaults, to merge a file over.</summary>
    public HoconObjectNode Parse() => new HoconParser(Read(), new HoconPosition(name, 1), new HoconFiles()).ParseDocument();

    /// <summary>The keys with their defaults, templates included.</summary>
    /// <param name="environment">Gives an environment variable or null.</param>
    public HoconObject Resolve(Func<string, string?> environment) => new HoconResolver(Parse(), environment).Resolve();

    /// <summary>Carries out a configuration's substitutions, refuses unknown keys and fills in defaults.</summary>
    /// <param name="root">The reference with files merged over it.</param>
    /// <param name="environment">Gives an environment variable or null.</param>
    /// <param name="mistakes">Where mistakes go that leave the rest readable; by default the first one is thrown.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="HoconException">A key or a substitution is wrong.</exception>
    public HoconDocument Complete(HoconObjectNode root, Func<string, string?> environment, Mistakes? mistakes = null)
    {
        HoconObject resolved = new HoconResolver(root, environment).Resolve();
        HoconObject reference = Resolve(environment);

        // A key that the reference does not have at the top is for substitutions; one that none names is a mistake.
        HashSet<string> named = HoconReferences.RootKeys(root);
        HoconObject relevant = new(
            resolved.Position,
            resolved.Members.Where(member => reference.TryGet(member.Key, out _) || !named.Contains(member.Key)));
        return new HoconDocument(new KnownKeys(reference, mistakes ?? new Mistakes(all: false)).Complete(relevant));
    }
}
