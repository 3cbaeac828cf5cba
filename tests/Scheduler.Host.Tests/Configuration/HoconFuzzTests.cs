using System.Text;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

public class HoconFuzzTests
{
    private const int Seed = 20100825;
    private const int Runs = 4000;

    private static readonly string[] _pieces =
    [
        "{", "}", "[", "]", "=", ":", "+=", ",", "\n", " ", ".", "\"", "\"\"\"", "\\", "\\u00", "${", "${?", "$", "#", "//", "a", "b",
        "a.b", "include ", "required(", "null", "1", "4GiB", "100ms", "\0", "\uFEFF", "\ud800", "é", "+", "e", "1e+5", "\r\n", "<name>",
    ];

    [Fact]
    public void Any_text_gives_a_tree_or_a_HoconException()
    {
        Random random = new(Seed);
        for (int run = 0; run < Runs; run++)
            Try(string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => _pieces[random.Next(_pieces.Length)])), run);
    }

    [Fact]
    public void A_mutated_reference_gives_a_tree_or_a_HoconException()
    {
        Random random = new(Seed);
        for (int run = 0; run < Runs / 10; run++)
            Try(Mutate(SettingsLoader.ReadReference(), random), run);
    }

    [Fact]
    public void A_mutated_file_or_setting_gives_settings_or_a_HoconException()
    {
        Random random = new(Seed);
        string[] settings =
        [
            "volumes.vol0.size=4GiB", "nbd.listen=[\"tcp://127.0.0.1:1\"]", "guests.g0={ limit = 5 }", "admin.listen=unix:x",
            "volumes.vol0.cost.flush=1ms", "disks.d1.offset=3GiB", "telemetry.trace-ratio=1e-3",
        ];
        using ConfigFile file = new();
        for (int run = 0; run < Runs / 10; run++)
        {
            File.WriteAllText(file.Path, run % 2 == 0 ? ConfigFile.Valid : Mutate(ConfigFile.Valid, random), Encoding.UTF8);
            string setting = Mutate(settings[random.Next(settings.Length)], random);
            Guard(() => file.Load(setting), run);
        }
    }

    [Fact]
    public void Random_bytes_in_a_file_give_a_tree_or_a_HoconException()
    {
        Random random = new(Seed);
        using ConfigFile file = new();
        byte[] bytes = new byte[256];
        for (int run = 0; run < 500; run++)
        {
            random.NextBytes(bytes);
            File.WriteAllBytes(file.Path, bytes.AsSpan(0, random.Next(bytes.Length)));
            Guard(() => new HoconFiles().Load(file.Path), run);
        }
    }

    private static string Mutate(string text, Random random)
    {
        for (int i = random.Next(1, 5); i > 0 && text.Length > 1; i--)
        {
            int at = random.Next(text.Length);
            text = random.Next(3) switch
            {
                0 => text.Remove(at, Math.Min(random.Next(1, 30), text.Length - at)),
                1 => text.Insert(at, _pieces[random.Next(_pieces.Length)]),
                _ => text.Remove(at, 1).Insert(at, ((char)random.Next(1, 256)).ToString()),
            };
        }

        return text;
    }

    private static void Try(string text, int run) => Guard(() => new HoconDocument(HoconText.Resolve(text)), run);

    /// <summary>A message must be one line; any other exception fails the test, with the seed and run to repeat it.</summary>
    private static void Guard(Func<object> action, int run)
    {
        try
        {
            _ = action();
        }
        catch (HoconException e)
        {
            Assert.DoesNotContain('\n', e.Message);
        }
        catch (Exception e)
        {
            Assert.Fail($"seed {Seed} run {run}: {e}");
        }
    }
}
