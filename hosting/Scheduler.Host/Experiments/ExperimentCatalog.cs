using Scheduler.Host.Configuration;

namespace Scheduler.Host.Experiments;

/// <summary>Finds experiments' files.</summary>
internal static class ExperimentCatalog
{
    /// <summary>Where the shipped experiments are: below the working directory, or beside the program.</summary>
    public const string Directory = "hocon/experiments";

    /// <summary>The file that someone means.</summary>
    /// <param name="name">A file, or the bare name of a shipped experiment.</param>
    /// <returns>Its path; the name as it was given if there is no such file.</returns>
    public static string Find(string name)
    {
        if (File.Exists(name) || name.Contains(Path.DirectorySeparatorChar))
            return name;
        string shipped = ShippedFiles.Find(Path.Combine(Directory, Path.ChangeExtension(name, ".conf")));
        return File.Exists(shipped) ? shipped : name;
    }

    /// <summary>The experiments of a directory, by name.</summary>
    /// <param name="directory">A directory; null: the shipped ones'.</param>
    /// <returns>Paths of files.</returns>
    /// <exception cref="HoconException">The directory can't be read.</exception>
    public static IReadOnlyList<string> Files(string? directory)
    {
        string path = directory ?? ShippedFiles.Find(Directory);
        try
        {
            return [.. System.IO.Directory.EnumerateFiles(path, "*.conf").Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string problem = e is DirectoryNotFoundException or ArgumentException ? "no such directory" : $"cannot be read: {e.Message}";
            throw new HoconException(new HoconPosition(path, 0), "", problem);
        }
    }
}
