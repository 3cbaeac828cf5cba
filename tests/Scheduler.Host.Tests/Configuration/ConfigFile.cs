using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

/// <summary>A temporary file with a small valid configuration, and what loading it with changes gives.</summary>
internal sealed class ConfigFile : IDisposable
{
    public const string Valid = """
        scheduler {
          volumes {
            vol0 { path = data/vol0.img, size = 4GiB }
            vol1 { device = memory, size = 1GiB }
          }
          guests {
            g0 {}
            g1 { weight = 300 }
          }
          disks {
            d0 { volume = vol0, guest = g0, offset = 0, size = 1GiB }
            d1 { volume = vol0, guest = g1, offset = 1GiB, size = 1GiB }
          }
        }
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("settings").FullName;

    public ConfigFile(string text = Valid)
    {
        Path = System.IO.Path.Combine(_directory, "x.conf");
        File.WriteAllText(Path, text);
    }

    public string Path { get; }

    /// <summary>Loads without this process's environment.</summary>
    public ServiceSettings Load(params string[] sets) => SettingsLoader.Load(Path, sets, _ => null);

    /// <summary>The error, with the file's directory left out. It is also the first of all mistakes.</summary>
    public string Error(params string[] sets)
    {
        string error = Assert.Throws<HoconException>(() => Load(sets)).Message.Replace(_directory + "/", "");
        Assert.Equal(error, Mistakes(sets)[0]);
        return error;
    }

    /// <summary>All mistakes, likewise.</summary>
    public IReadOnlyList<string> Mistakes(params string[] sets)
    {
        Assert.Null(SettingsLoader.Check(Path, sets, _ => null, out IReadOnlyList<HoconException> mistakes));
        return [.. mistakes.Select(mistake => mistake.Message.Replace(_directory + "/", ""))];
    }

    public static ServiceSettings LoadText(string text)
    {
        using ConfigFile file = new(text);
        return file.Load();
    }

    public static IReadOnlyList<string> MistakesOf(string text)
    {
        using ConfigFile file = new(text);
        return file.Mistakes();
    }

    public static string ErrorOf(string text)
    {
        using ConfigFile file = new(text);
        return file.Error();
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
