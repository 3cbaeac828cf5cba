using System.Collections;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

/// <summary>hocon/reference.conf and the options are two lists of the same keys.</summary>
public class ReferenceTests
{
    private static readonly HoconObject _reference = SettingsLoader.LoadReference(_ => null);

    [Fact]
    public void Every_key_of_the_reference_is_bound_and_every_option_is_in_the_reference() =>
        Assert.Equal(
            OptionKeys(typeof(ServiceOptions), ServiceOptions.Section).Order(StringComparer.Ordinal),
            ReferenceKeys("", _reference).Select(item => item.Key).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_key_of_the_reference_has_a_comment_above_it()
    {
        string[] lines = SettingsLoader.ReadReference().Split('\n');
        foreach ((string key, HoconValue value) in ReferenceKeys("", _reference))
        {
            string above = lines[value.Position.Line - 2].Trim();
            Assert.True(above.StartsWith('#'), $"reference.conf:{value.Position.Line}: {key} has no comment");
        }
    }

    [Fact]
    public void The_program_carries_the_reference_of_the_repository()
    {
        string beside = Path.Combine(AppContext.BaseDirectory, "hocon", "reference.conf");
        Assert.Equal(File.ReadAllText(beside), SettingsLoader.ReadReference());
    }

    [Theory]
    [InlineData("scheduler.volumes.<name>.depth")]
    [InlineData("scheduler.nbd.listen")]
    [InlineData("scheduler.disks.<name>.lv")]
    public void The_comparison_sees(string key)
    {
        Assert.Contains(key, OptionKeys(typeof(ServiceOptions), ServiceOptions.Section));
        Assert.Contains(key, ReferenceKeys("", _reference).Select(item => item.Key));
    }

    private static IEnumerable<(string Key, HoconValue Value)> ReferenceKeys(string path, HoconObject section) =>
        section.Members.SelectMany(member =>
        {
            string key = path.Length == 0 ? member.Key : $"{path}.{member.Key}";
            return member.Value is HoconObject inner ? ReferenceKeys(key, inner) : [(key, member.Value)];
        });

    private static IEnumerable<string> OptionKeys(Type type, string path) =>
        type.GetProperties().SelectMany(property =>
        {
            string key = $"{path}.{property.GetCustomAttribute<ConfigurationKeyNameAttribute>()!.Name}";
            Type value = property.PropertyType;
            if (value == typeof(string) || value == typeof(List<string>))
                return [key];
            return typeof(IDictionary).IsAssignableFrom(value)
                ? OptionKeys(value.GenericTypeArguments[1], $"{key}.<name>")
                : OptionKeys(value, key);
        });
}
